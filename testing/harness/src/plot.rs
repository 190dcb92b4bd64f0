//! A plot of numbers over time, as SVG.

use std::fmt::Write;
use std::time::Duration;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 300.0;
const MARGIN: f64 = 40.0;

/// Distinguishable also for the colour-blind (after Okabe and Ito).
const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#56b4e9", "#e69f00"];

/// A line of a plot.
#[derive(Clone, Debug)]
pub struct Line {
    /// What the legend says.
    pub name: String,
    /// One number a step.
    pub values: Vec<f64>,
}

/// Draws lines with one value every `step`. The vertical axis reaches from 0 to the last of its
/// `marks`, the horizontal one has a mark every minute.
pub fn plot(title: &str, step: Duration, marks: &[u32], lines: &[Line]) -> String {
    let top = f64::from(marks.last().copied().unwrap_or(1));
    let longest = lines.iter().map(|line| line.values.len()).max().unwrap_or(0).max(2);
    let seconds = step.as_secs_f64() * (longest - 1) as f64;
    let x = |at: f64| MARGIN + at / seconds * (WIDTH - 2.0 * MARGIN);
    let y = |value: f64| HEIGHT - MARGIN - value / top * (HEIGHT - 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{MARGIN}\" y=\"20\" \
         font-size=\"14\">{title}</text>\n",
        HEIGHT + 18.0 * lines.len() as f64
    );
    for mark in marks {
        let at = y(f64::from(*mark));
        grid(&mut svg, (MARGIN, at), (WIDTH - MARGIN, at), (8.0, at + 4.0), *mark);
    }
    for second in (0..=seconds as u32).step_by(60) {
        let at = x(f64::from(second));
        grid(&mut svg, (at, y(0.0)), (at, y(top)), (at - 8.0, y(0.0) + 16.0), second);
    }
    for (number, (line, colour)) in lines.iter().zip(COLOURS.iter().cycle()).enumerate() {
        let points = line.values.iter().enumerate().map(|(place, value)| {
            format!("{:.1},{:.1}", x(step.as_secs_f64() * place as f64), y(*value))
        });
        let points: Vec<String> = points.collect();
        let legend = HEIGHT + 18.0 * number as f64;
        let _ = writeln!(
            svg,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\" points=\"{}\"/>\n\
             <text x=\"{MARGIN}\" y=\"{legend}\" fill=\"{colour}\">{}</text>",
            points.join(" "),
            line.name
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn grid(svg: &mut String, from: (f64, f64), to: (f64, f64), label: (f64, f64), number: u32) {
    let _ = writeln!(
        svg,
        "<path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"#ddd\"/><text x=\"{:.1}\" y=\"{:.1}\">{number}</text>",
        from.0, from.1, to.0, to.1, label.0, label.1
    );
}
