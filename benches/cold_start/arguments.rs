//! The command line.

pub struct Arguments {
    /// How often each function is started for a table.
    pub starts: usize,
    /// How often each is invoked again for a table.
    pub warm: usize,
    /// Whether the function in Python takes part.
    pub python: bool,
    /// A tool that is to watch one start of this function, in place of all else.
    pub under: Option<String>,
}

impl Arguments {
    /// Reads the arguments; none if one is not understood.
    pub fn of(arguments: &[String]) -> Option<Self> {
        let mut asked = Self { starts: 15, warm: 200, python: true, under: None };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--bench" => {}
                "--starts" => asked.starts = arguments.next()?.parse().ok()?,
                "--warm" => asked.warm = arguments.next()?.parse().ok()?,
                "--without-python" => asked.python = false,
                "--under" => {
                    let tool = arguments.next().filter(|tool| !tool.trim().is_empty())?;
                    asked.under = Some(tool.clone());
                }
                _ => return None,
            }
        }
        (asked.starts > 0 && asked.warm > 0).then_some(asked)
    }
}
