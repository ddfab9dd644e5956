//! A described template in the format of each tool, and as the files it must become.

use std::fs;
use std::io;
use std::path::Path;

use crate::templates::{Entry, Piece, Variable};

/// Whose format.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Apiscaffold,
    CargoGenerate,
    Cookiecutter,
    Copier,
}

impl Format {
    /// Writes the template into `folder`, which is made.
    pub(crate) fn write(self, entries: &[Entry], folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let (file, manifest) = self.manifest();
        fs::write(folder.join(file), manifest)?;
        let root = match self {
            Self::Cookiecutter => folder.join("{{ cookiecutter.name }}"),
            _ => folder.to_owned(),
        };
        for entry in entries {
            let mut path = self.print(&entry.path, true);
            let is_rendered = self != Self::Copier || has_tags(&entry.text);
            if self == Self::Copier && is_rendered {
                path.push_str(".jinja");
            }
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap_or(&root))?;
            fs::write(path, self.print(&entry.text, is_rendered))?;
        }
        Ok(())
    }

    fn manifest(self) -> (&'static str, &'static str) {
        match self {
            Self::Apiscaffold => ("apiscaffold.toml", APISCAFFOLD),
            Self::CargoGenerate => ("cargo-generate.toml", CARGO_GENERATE),
            Self::Cookiecutter => ("cookiecutter.json", COOKIECUTTER),
            Self::Copier => ("copier.yml", COPIER),
        }
    }

    /// The text as the tool wants it. Only our own tool needs nothing around `${{ … }}`.
    fn print(self, pieces: &[Piece], is_rendered: bool) -> String {
        let is_ours = self == Self::Apiscaffold;
        pieces.iter().fold(String::new(), |text, piece| {
            text + match piece {
                Piece::Text(text) => text.clone(),
                Piece::Variable(variable) => format!("{{{{ {} }}}}", self.key(*variable)),
                Piece::Expression(expression) if is_ours || !is_rendered => (*expression).to_owned(),
                Piece::Expression(expression) => format!("{{% raw %}}{expression}{{% endraw %}}"),
                Piece::Condition(text) => format!("{{% if {} == 'apigee' %}}{text}{{% endif %}}", self.style()),
                Piece::Loop { last, before, after } => {
                    let range = self.range(*last);
                    format!("{{% for part in {range} %}}{before}part {{{{ part }}}}{after}{{% endfor %}}")
                }
            }
            .as_str()
        })
    }

    fn key(self, variable: Variable) -> &'static str {
        match (self, variable) {
            (Self::CargoGenerate, Variable::Name) => "project-name",
            (Self::Cookiecutter, Variable::Name) => "cookiecutter.name",
            (Self::Cookiecutter, Variable::Title) => "cookiecutter.title",
            (Self::Cookiecutter, Variable::Team) => "cookiecutter.team",
            (_, Variable::Name) => "name",
            (_, Variable::Title) => "title",
            (_, Variable::Team) => "team",
        }
    }

    fn style(self) -> &'static str {
        if self == Self::Cookiecutter { "cookiecutter.style" } else { "style" }
    }

    fn range(self, last: usize) -> String {
        match self {
            Self::Apiscaffold | Self::CargoGenerate => format!("(1..{last})"),
            Self::Cookiecutter | Self::Copier => format!("range(1, {})", last + 1),
        }
    }
}

/// The path and text that a file must become for the API `name`.
pub(crate) fn expected(entry: &Entry, name: &str) -> (String, String) {
    (rendered(&entry.path, name), rendered(&entry.text, name))
}

fn rendered(pieces: &[Piece], name: &str) -> String {
    pieces.iter().fold(String::new(), |text, piece| {
        text + match piece {
            Piece::Text(text) | Piece::Condition(text) => text.clone(),
            Piece::Variable(variable) => variable.value(name).to_owned(),
            Piece::Expression(expression) => (*expression).to_owned(),
            Piece::Loop { last, before, after } => {
                (1..=*last).map(|part| format!("{before}part {part}{after}")).collect()
            }
        }
        .as_str()
    })
}

fn has_tags(pieces: &[Piece]) -> bool {
    pieces.iter().any(|piece| !matches!(piece, Piece::Text(_) | Piece::Expression(_)))
}

// A short name of its own keeps every run's record free of the others'.
const APISCAFFOLD: &str = r#"[template]
name = "bench"
requires = ">=0.1"

[[question]]
name = "short_name"
type = "string"
prompt = "Short name"
default = "{{ name }}"

[[question]]
name = "title"
type = "string"
prompt = "Title"
default = "Orders and Payments"

[[question]]
name = "team"
type = "string"
prompt = "Team"
default = "payments-team"

[[question]]
name = "style"
type = "choice"
prompt = "Style"
choices = ["apigee", "proxygen"]
default = "apigee"
"#;

const CARGO_GENERATE: &str = r#"[placeholders]
title = { type = "string", prompt = "Title", default = "Orders and Payments" }
team = { type = "string", prompt = "Team", default = "payments-team" }
style = { type = "string", prompt = "Style", choices = ["apigee", "proxygen"], default = "apigee" }
"#;

const COOKIECUTTER: &str = r#"{
  "name": "my-api",
  "title": "Orders and Payments",
  "team": "payments-team",
  "style": ["apigee", "proxygen"]
}
"#;

const COPIER: &str = r#"name:
  type: str
  default: my-api
title:
  type: str
  default: Orders and Payments
team:
  type: str
  default: payments-team
style:
  type: str
  choices: [apigee, proxygen]
  default: apigee
"#;
