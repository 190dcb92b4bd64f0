//! Times for people.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};

/// By whose clock times are shown.
#[derive(Clone, Copy)]
pub struct Clock {
    /// Minutes east of UTC.
    pub offset: i32,
    /// The present.
    pub now: SystemTime,
}

impl Clock {
    /// `2026-11-27T22:51:07` by this clock.
    fn local(self, time: SystemTime) -> String {
        let by = Duration::from_secs(60 * u64::from(self.offset.unsigned_abs()));
        let local = if self.offset < 0 { time.checked_sub(by) } else { time.checked_add(by) };
        let time = DateTime::<Utc>::from(local.unwrap_or(time));
        time.to_rfc3339_opts(SecondsFormat::Secs, true).trim_end_matches('Z').to_owned()
    }

    /// The present: `2026-11-27 22:51:07 UTC+01:00`.
    pub fn whole(self) -> String {
        self.local(self.now).replace('T', " ") + " " + &self.zone()
    }

    /// `UTC` or `UTC+01:00`.
    pub fn zone(self) -> String {
        let (hours, minutes) = (self.offset.abs() / 60, self.offset.abs() % 60);
        let sign = if self.offset < 0 { '-' } else { '+' };
        match self.offset {
            0 => "UTC".to_owned(),
            _ => format!("UTC{sign}{hours:02}:{minutes:02}"),
        }
    }
}

/// `22:51:07` for a time of today, else `2026-11-26 22:51`.
pub fn clock(clock: Clock, time: SystemTime) -> String {
    let (today, text) = (clock.local(clock.now), clock.local(time));
    match (today.split_once('T'), text.split_once('T')) {
        (Some((today, _)), Some((date, time))) if today == date => time.to_owned(),
        (_, Some((date, time))) => {
            let minute = time.rsplit_once(':').map_or(time, |(minute, _)| minute);
            format!("{date} {minute}")
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_reader_and_name_other_days() {
        let at = |text: &str| SystemTime::from(DateTime::parse_from_rfc3339(text).unwrap());
        for (offset, time, shown, whole) in [
            (0, "2026-11-27T22:51:07Z", "22:51:07", "2026-11-27 23:30:00 UTC"),
            (60, "2026-11-27T22:51:07Z", "2026-11-27 23:51", "2026-11-28 00:30:00 UTC+01:00"),
            (60, "2026-11-27T23:01:07Z", "00:01:07", "2026-11-28 00:30:00 UTC+01:00"),
            (-210, "2026-11-26T22:51:07Z", "2026-11-26 19:21", "2026-11-27 20:00:00 UTC-03:30"),
        ] {
            let reader = Clock { offset, now: at("2026-11-27T23:30:00Z") };
            assert_eq!((clock(reader, at(time)).as_str(), reader.whole().as_str()), (shown, whole));
        }
    }
}
