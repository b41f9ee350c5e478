//! Seconds since 1970 as the text of RFC 3339.

const SECONDS_A_DAY: u64 = 86_400;

/// The latest second that a year of four digits can name, 9999-12-31T23:59:59Z.
const LATEST: f64 = 253_402_300_799.0;

/// The time in UTC, to the second: `2026-11-25T08:50:44Z`.
///
/// Times before 1970 are written as its first second, those after the year 9999 as
/// its last.
pub(super) fn rfc_3339(unix: f64) -> String {
    let seconds = unix.clamp(0.0, LATEST) as u64;
    let (year, month, day) = date(seconds / SECONDS_A_DAY);
    let second = seconds % SECONDS_A_DAY;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// Year, month and day of the Gregorian calendar, from days since 1970.
///
/// Counts from 0000-03-01, so that the leap day ends a year: the months of such a
/// year have 31, 30, 31, 30, 31 days, again and again, which is `(153 m + 2) / 5`.
fn date(days: u64) -> (u64, u64, u64) {
    const DAYS_BEFORE_1970: u64 = 719_468;
    const DAYS_OF_400_YEARS: u64 = 146_097;
    let days = days + DAYS_BEFORE_1970;
    let (era, day_of_era) = (days / DAYS_OF_400_YEARS, days % DAYS_OF_400_YEARS);
    let leap_days = day_of_era / 1460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let (month, next_year) = match month_from_march {
        0..=9 => (month_from_march + 3, 0),
        _ => (month_from_march - 9, 1),
    };
    (era * 400 + year_of_era + next_year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_leap(year: u64) -> bool {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    }

    #[test]
    fn known_moments_have_their_known_texts() {
        // From RFC 3339, section 5.8, and from the definition of the epoch.
        let cases = [
            (0.0, "1970-01-01T00:00:00Z"),
            (482_196_050.52, "1985-04-12T23:20:50Z"),
            (951_782_400.0, "2000-02-29T00:00:00Z"),
            (1_000_000_000.0, "2001-09-09T01:46:40Z"),
            (-1.0, "1970-01-01T00:00:00Z"),
            (f64::INFINITY, "9999-12-31T23:59:59Z"),
        ];
        for (unix, text) in cases {
            assert_eq!(rfc_3339(unix), text);
        }
    }

    #[test]
    fn every_day_is_the_next_of_the_one_before() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..160_000 {
            assert_eq!(date(days), (year, month, day), "day {days}");
            let length = match month {
                2 => 28 + u64::from(is_leap(year)),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > length {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
        assert!(year > 2400, "a whole cycle of leap years: {year}");
    }
}
