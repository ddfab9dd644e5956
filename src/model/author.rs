//! Who does something.

use std::fmt;

use jiff::Timestamp;

/// A person or a robot, as git writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    pub name: String,
    pub email: String,
}

impl Author {
    /// Reads `Name <address>`; a text of another form is a name without address.
    pub fn read(text: &str) -> Self {
        let parts = text.trim_end().strip_suffix('>').and_then(|text| text.rsplit_once('<'));
        let (name, email) = parts.unwrap_or((text, ""));
        Self { name: name.trim().to_owned(), email: email.trim().to_owned() }
    }
}

impl Author {
    /// The same, at a moment.
    pub fn at(&self, moment: Timestamp) -> Signature {
        Signature { name: self.name.clone(), email: self.email.clone(), seconds: moment.as_second() }
    }
}

/// Who did something, and when: author and committer of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// A person's or a robot's name.
    pub name: String,
    /// An e-mail address.
    pub email: String,
    /// Seconds since 1970 in UTC; git takes no time before that, so 0 stands for it.
    pub seconds: i64,
}

impl Signature {
    /// Name and address as a commit holds them. As git does, characters that would end a field early are left out, and so
    /// are control characters, and marks at the ends; what would be empty is `unknown`.
    pub fn fields(&self) -> [String; 2] {
        [&self.name, &self.email].map(|text| {
            let kept: String = text.chars().filter(|c| !matches!(c, '<' | '>') && !c.is_control()).collect();
            let trimmed = kept.trim_matches(|c: char| c.is_whitespace() || ".,:;\"\\'".contains(c));
            if trimmed.is_empty() { "unknown".to_owned() } else { trimmed.to_owned() }
        })
    }

    /// The line of a commit, in UTC.
    pub fn line(&self) -> String {
        let [name, email] = self.fields();
        format!("{name} <{email}> {} +0000", self.seconds.max(0))
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} <{}>", self.name, self.email)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_author_is_read_back_equal() {
        for (name, email) in [("A B", "a@b.c"), ("a <b", "x"), ("", "")] {
            let author = Author { name: name.to_owned(), email: email.to_owned() };
            assert_eq!(Author::read(&author.to_string()), author);
        }
        assert_eq!(Author::read("no address"), Author { name: "no address".to_owned(), email: String::new() });
    }
}
