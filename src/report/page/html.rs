//! HTML that is put together. Only text that stands in the code gets in as it is; all else is
//! escaped.

use std::time::SystemTime;

use crate::report::page::time::{Clock, clock};

/// HTML, and the time by which it shows times.
pub struct Html {
    text: String,
    clock: Clock,
}

impl Html {
    /// Nothing yet; times are shown so many minutes east of UTC, and as seen from `now`.
    pub fn new(offset: i32, now: SystemTime) -> Self {
        Self { text: String::new(), clock: Clock { offset, now } }
    }

    /// Markup from the code.
    pub fn raw(&mut self, markup: &'static str) {
        self.text.push_str(markup);
    }

    /// Text from anywhere.
    pub fn text(&mut self, text: &str) {
        escape(text, &mut self.text);
    }

    /// A number.
    pub fn number(&mut self, number: usize) {
        self.text.push_str(&number.to_string());
    }

    /// A number and a noun, with an s for all numbers but one.
    pub fn count(&mut self, number: usize, noun: &'static str) {
        self.number(number);
        self.raw(" ");
        self.raw(noun);
        if number != 1 {
            self.raw("s");
        }
    }

    /// A time: the date only if it is not today's.
    pub fn time(&mut self, time: SystemTime) {
        self.text.push_str(&clock(self.clock, time));
    }

    /// The time at which everything was read, with date and zone.
    pub fn now(&mut self) {
        self.text.push_str(&self.clock.whole());
    }

    /// The zone of all times.
    pub fn zone(&mut self) {
        self.text.push_str(&self.clock.zone());
    }

    /// A word in a coloured chip.
    pub fn chip(&mut self, tone: Tone, word: &str) {
        self.raw("<b class=");
        self.raw(tone.class());
        self.raw(">");
        self.text(word);
        self.raw("</b>");
    }

    /// A link that opens beside the page.
    pub fn link(&mut self, address: &str, text: &str) {
        self.raw("<a target=_blank rel=noopener href=\"");
        self.text(address);
        self.raw("\">");
        self.text(text);
        self.raw("</a>");
    }

    /// All of it.
    pub fn into_text(self) -> String {
        self.text
    }
}

/// How good a thing is. Each has a colour and a mark of its own, and always stands beside a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// Somebody has to act.
    Bad,
    /// Somebody should look.
    Odd,
    /// It comes right by itself.
    Wait,
    /// Neither good nor bad.
    Idle,
    /// As it should be.
    Good,
}

impl Tone {
    /// The class that styles it.
    pub fn class(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Odd => "odd",
            Self::Wait => "wait",
            Self::Idle => "idle",
            Self::Good => "good",
        }
    }
}

/// Text as it may stand between tags and in quoted attributes. What would not show, or would change
/// the order of the text around it, shows as a replacement character.
pub fn escape(text: &str, into: &mut String) {
    for character in text.chars() {
        match character {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '"' => into.push_str("&quot;"),
            '\'' => into.push_str("&#39;"),
            '\n' | '\t' => into.push(' '),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' => {
                into.push('\u{fffd}');
            }
            control if control.is_control() => into.push('\u{fffd}'),
            other => into.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_end_a_text_or_an_attribute_or_turn_it_round_is_escaped() {
        for (text, escaped) in [
            (
                "<b class=\"x\" id='y'>&amp;",
                "&lt;b class=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;",
            ),
            ("two\nlines\tand\ra bell\u{7}", "two lines and\u{fffd}a bell\u{fffd}"),
            ("\u{202e}txt\u{2066}\u{200f}", "\u{fffd}txt\u{fffd}\u{fffd}"),
            ("demo-ipv6 → [::]:80 ü", "demo-ipv6 → [::]:80 ü"),
        ] {
            let mut into = String::new();
            escape(text, &mut into);
            assert_eq!(into, escaped);
        }
    }
}
