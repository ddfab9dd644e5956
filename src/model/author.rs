//! Who does something.

use std::fmt;

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
