//! When an API ends, and what comes after it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The dates and pages that users of an API are told once it is deprecated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// From this day on nobody new should use it (RFC 9745).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deprecation: Option<Date>,
    /// On this day it stops to answer (RFC 8594).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sunset: Option<Date>,
    /// A page that tells its users what to do: an https URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documentation: Option<String>,
    /// What to use instead: an https URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successor: Option<String>,
}

impl Ending {
    /// Whether nothing is said.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// With what `later` says in the place of what it said before.
    #[must_use]
    pub fn with(self, later: Self) -> Self {
        Self {
            deprecation: later.deprecation.or(self.deprecation),
            sunset: later.sunset.or(self.sunset),
            documentation: later.documentation.or(self.documentation),
            successor: later.successor.or(self.successor),
        }
    }

    /// What is missing or wrong with the dates, when there must be `months` months between them; none when they are good.
    pub fn objection(&self, months: i64) -> Option<String> {
        let (Some(deprecation), Some(sunset)) = (self.deprecation, self.sunset) else {
            let missing = [("deprecation", self.deprecation), ("sunset", self.sunset)];
            let missing: Vec<&str> = missing.iter().filter(|(_, date)| date.is_none()).map(|(word, _)| *word).collect();
            return Some(format!("no date of {} is set", missing.join(" and of ")));
        };
        let span = jiff::Span::new().try_months(months).ok()?;
        let earliest = deprecation.checked_add(span).unwrap_or(Date::MAX);
        (sunset < earliest).then(|| {
            format!("the sunset on {sunset} is less than {months} months after the deprecation on {deprecation}: {earliest} at the earliest")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ending(deprecation: &str, sunset: &str) -> Ending {
        let date = |text: &str| text.parse().ok();
        Ending { deprecation: date(deprecation), sunset: date(sunset), ..Ending::default() }
    }

    #[test]
    fn dates_need_months_between_them() {
        assert_eq!(ending("2027-01-31", "2027-07-31").objection(6), None);
        assert_eq!(ending("2027-08-31", "2028-02-29").objection(6), None, "February is short");
        let told = ending("2027-01-31", "2027-07-30").objection(6).expect("a day short");
        assert!(told.contains("less than 6 months") && told.ends_with("2027-07-31 at the earliest"), "{told}");
        assert_eq!(ending("", "2027-01-31").objection(6).as_deref(), Some("no date of deprecation is set"));
        assert_eq!(ending("", "").objection(6).as_deref(), Some("no date of deprecation and of sunset is set"));
        assert_eq!(ending("9999-12-31", "9999-12-31").objection(6).map(|_| ()), None, "there is no later day");
    }

    #[test]
    fn what_is_said_later_holds() {
        let both = ending("2027-01-31", "2027-07-31").with(ending("", "2028-01-31"));
        assert_eq!(both, ending("2027-01-31", "2028-01-31"));
    }
}
