//! Timestamps as EventBridge writes them.

use serde_json::Value;

/// Seconds since 1970 of `2023-05-02T14:19:34Z`, with or without a fraction. What RFC 3339 allows
/// beyond that, and days that only some months have, are none here.
pub fn read(value: &Value) -> Option<i64> {
    let text = value.as_str()?.strip_suffix('Z')?;
    let (text, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if !(1..=9).contains(&fraction.len()) || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let shape = "dddd-dd-ddTdd:dd:dd";
    let fits =
        |(have, want): (u8, u8)| if want == b'd' { have.is_ascii_digit() } else { have == want };
    if text.len() != shape.len() || !text.bytes().zip(shape.bytes()).all(fits) {
        return None;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let sound = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=28).contains(&day)
        && (hour < 24 && minute < 60 && second < 60);
    sound.then(|| days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Days since 1970, by counting.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let leap_days = (1970..year).filter(|year| is_leap(*year)).count() as i64;
    let february = if is_leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    (year - 1970) * 365 + leap_days + months[..(month - 1) as usize].iter().sum::<i64>() + day - 1
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::read;

    #[test]
    fn a_timestamp_of_eventbridge_is_read_and_another_is_not() {
        assert_eq!(read(&json!("2023-05-02T14:19:34Z")), Some(1_683_037_174));
        assert_eq!(read(&json!("2024-03-01T00:00:00.5Z")), Some(1_709_251_200));
        for other in
            ["2023-05-02T14:19:34", "2023-05-02T14:19:34+00:00", "2023-05-02T24:00:00Z", ""]
        {
            assert_eq!(read(&json!(other)), None, "{other}");
        }
    }
}
