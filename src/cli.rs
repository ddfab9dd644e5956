//! The command line. The doc comments are the help.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueHint};
use clap_complete::Shell;
use jiff::civil::Date;

use crate::model::phase::Phase;
use crate::model::repository::Visibility;
use crate::scaffold::request::Inputs;
use crate::scaffold::template::Choice;
use crate::terminal::Color;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const AFTER_HELP: &str = "\
Examples:
  apiscaffold new my-api --spec my-api.yaml      a repository from an OpenAPI document
  apiscaffold new my-api --dry-run               what would be done
  apiscaffold doctor my-api --owner ORG          what would prevent that on GitHub
  apiscaffold new my-api --owner ORG             a repository on GitHub, set up as the template asks
  apiscaffold check --settings my-api            whether it still has the template's settings
  apiscaffold list                               every API in the registry
  apiscaffold phase my-api                       the gates of its next phase
  apiscaffold template questions                 the template's questions

Exit codes: 0 done, 1 this machine or a remote failed, 2 wrong input, 3 the template is at fault,
4 not permitted, 5 conflict (a name or folder is taken), 8 partly done (run the same command again), 130 interrupted";

/// Takes an API from an idea to a working, registered, deployable repository
#[derive(Debug, Parser)]
#[command(name = "apiscaffold", version, styles = STYLES, after_help = AFTER_HELP, max_term_width = 110)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Args, Clone, Debug)]
pub struct Global {
    /// Print the result as one JSON document on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// Never ask: take the defaults, and report missing answers
    #[arg(long, short = 'y', global = true)]
    pub yes: bool,
    /// Print only results and errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Print more about what is done
    #[arg(long, short, global = true)]
    pub verbose: bool,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
    /// Use no network: only templates and copies of the registry that were fetched before [env: APISCAFFOLD_OFFLINE]
    #[arg(long, global = true)]
    pub offline: bool,
    /// The registry: the path or the git URL of a bare repository [default: `registry` in your config.toml, else one in your data folder] [env: APISCAFFOLD_REGISTRY]
    #[arg(long, global = true, value_name = "WHERE", value_hint = ValueHint::DirPath)]
    pub registry: Option<String>,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum Command {
    /// Make the repository of a new API and record it
    New(NewArgs),
    /// Compare a repository's GitHub settings with its template
    Check(CheckArgs),
    /// Find everything that would stop `new`, without writing anything
    Doctor(DoctorArgs),
    /// List the APIs in the registry
    List(ListArgs),
    /// Show one API's record
    Show(ShowArgs),
    /// Show the gates of an API's next phase, or move the API to it
    Phase(PhaseArgs),
    /// Work on the registry
    #[command(subcommand)]
    Registry(RegistryCommand),
    /// Work on a template
    #[command(subcommand)]
    Template(TemplateCommand),
    /// Print the completion script of a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages into a folder
    Man {
        /// An existing folder
        #[arg(value_hint = ValueHint::DirPath)]
        folder: PathBuf,
    },
}

/// Make the repository of a new API and record it
#[derive(Args, Debug)]
pub struct NewArgs {
    /// The API's name: lower-case words joined by hyphens, such as `my-api`
    pub name: String,
    /// What the API's repository is made from.
    #[command(flatten)]
    pub input: InputArgs,
    /// The folder that will hold the repository's folder; it is made if it does not exist
    #[arg(long, value_name = "PARENT", default_value = ".", value_hint = ValueHint::DirPath)]
    pub into: PathBuf,
    /// Where the repository is shared.
    #[command(flatten)]
    pub hosting: HostingArgs,
    /// Print what would be done, with every GitHub API call, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Where the repository is shared.
#[derive(Args, Clone, Debug)]
pub struct HostingArgs {
    /// Make the repository on GitHub too: the organisation or user that owns it [env: APISCAFFOLD_OWNER]
    #[arg(long, value_name = "OWNER")]
    pub owner: Option<String>,
    /// Who may see the repository on GitHub
    #[arg(long, value_enum, default_value_t, value_name = "WHO")]
    pub visibility: Visibility,
    /// Make missing teams of the organisation
    #[arg(long)]
    pub create_teams: bool,
    /// Push over ssh, with your own keys
    #[arg(long)]
    pub ssh: bool,
}

/// What a repository is made from.
#[derive(Args, Clone, Debug)]
pub struct InputArgs {
    /// The OpenAPI document, YAML or JSON; the files it refers to are copied too
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub spec: Option<PathBuf>,
    /// A folder around the document: files in it or below may be referred to; without it those in the document's folder
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath, requires = "spec")]
    pub spec_root: Option<PathBuf>,
    /// A file of answers, TOML, YAML or JSON
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub answers: Option<PathBuf>,
    /// One answer; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub set: Vec<(String, String)>,
    /// The template.
    #[command(flatten)]
    pub template: TemplateArgs,
}

// Which template. As a doc comment it would be the help of `template questions`, whose arguments are read when needed.
#[derive(Args, Clone, Debug)]
pub struct TemplateArgs {
    /// A folder, a git URL or gh:owner/repo, each with an optional //subfolder [default: the built-in template] [env: APISCAFFOLD_TEMPLATE]
    #[arg(long = "template", value_name = "SOURCE")]
    pub source: Option<String>,
    /// The template's tag, branch or commit
    #[arg(long, value_name = "REVISION")]
    pub at: Option<String>,
}

/// Compare a repository's GitHub settings with its template
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Compare its settings on GitHub
    #[arg(long, required = true)]
    pub settings: bool,
    /// Fix the differences; settings that are stricter than the template are reported and kept
    #[arg(long)]
    pub fix: bool,
    /// Print what `--fix` would change, with every GitHub API call, and change nothing
    #[arg(long, requires = "fix")]
    pub dry_run: bool,
    /// Also lower settings that are stricter than the template
    #[arg(long, requires = "fix")]
    pub lower: bool,
    /// Make missing teams of the organisation
    #[arg(long, requires = "fix")]
    pub create_teams: bool,
    /// The folder of the repository
    #[arg(value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
    /// With a receipt only the template can be another one.
    #[command(flatten, next_help_heading = "What to compare with, when the repository has no receipt")]
    pub input: InputArgs,
}

/// Find everything that would stop `new`, without writing anything
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// The name of the new API
    pub name: Option<String>,
    /// The organisation or user on GitHub that would own the repository [env: APISCAFFOLD_OWNER]
    #[arg(long, value_name = "OWNER")]
    pub owner: Option<String>,
    /// What the repository would be made from.
    #[command(flatten)]
    pub input: InputArgs,
}

/// List the APIs in the registry
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Only APIs in this phase
    #[arg(long, value_enum)]
    pub phase: Option<Phase>,
    /// Only APIs of this owner, as in the record
    #[arg(long, value_name = "OWNER")]
    pub owner: Option<String>,
    /// Only APIs of this style, such as `apigee`
    #[arg(long, value_name = "STYLE")]
    pub style: Option<String>,
    /// Only APIs in this environment
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,
    /// Only APIs made or updated from this revision of their template; the beginning of it is enough
    #[arg(long, value_name = "REVISION")]
    pub template_revision: Option<String>,
    /// Only APIs made from another revision than that of the template (see --template and --at)
    #[arg(long)]
    pub outdated: bool,
    /// The template to compare with.
    #[command(flatten)]
    pub template: TemplateArgs,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum RegistryCommand {
    /// Report what is wrong in the registry, by file and line, and repositories without a record or the reverse
    Check,
    /// Print every record as JSON, CSV or entities for Backstage, or make a site of all records
    Export(ExportArgs),
    /// Record existing APIs: all of them in one commit, or none
    Import(ImportArgs),
    /// Release a reservation of yours: its name and keys are free again
    Release(ReleaseArgs),
}

/// Release a reservation of yours: its name and keys are free again
#[derive(Args, Debug)]
pub struct ReleaseArgs {
    /// The API's name
    pub name: String,
    /// Print what would be done, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Print every record as JSON, CSV or entities for Backstage, or make a site of all records
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// The notation
    #[arg(long, value_enum)]
    pub format: ExportFormat,
    /// The folder for `--format html`; an earlier site there is replaced
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub into: Option<PathBuf>,
}

/// A notation of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ExportFormat {
    /// One document with every record
    Json,
    /// The JSON Schema of that document
    JsonSchema,
    /// One line per API, for spreadsheets; `'` is put before text that looks like a formula
    Csv,
    /// A stream of entities of kind API, as in `catalog-info.yaml`
    Backstage,
    /// A static site to read, search and print, with a page for each API; it loads nothing from elsewhere
    Html,
}

/// Record existing APIs: all of them in one commit, or none
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// A CSV file, a `catalog-info.yaml`, a record in TOML, or a folder in which to look for such files
    #[arg(value_hint = ValueHint::AnyPath)]
    pub path: PathBuf,
    /// Print what would be recorded, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Show one API's record
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// The API's name
    pub name: String,
}

const PHASE_HELP: &str = "\
Examples:
  apiscaffold phase my-api                                        the gates of the next phase
  apiscaffold phase my-api --evidence kick-off=https://…/1        record a link that shows a gate is met
  apiscaffold phase my-api discovery                              move, when every gate is met or waived
  apiscaffold phase my-api alpha --waive funding='paid by …'      pass a gate that is not met; the reason stays visible
  apiscaffold phase my-api deprecated --deprecation 2027-01-31 --sunset 2028-01-31 --documentation https://…

An API enters one phase after the other. The changes in its repository become one commit on the branch that is
checked out; on GitHub a pull request. Run the same command again to finish an interrupted move.";

/// Show the gates of an API's next phase, or move the API to it
#[derive(Args, Debug)]
#[command(after_help = PHASE_HELP)]
pub struct PhaseArgs {
    /// The API's name
    pub name: String,
    /// The phase to move to: the one after the current phase
    #[arg(value_enum)]
    pub phase: Option<Phase>,
    /// A link that shows that a gate is met; may be repeated
    #[arg(long, value_name = "GATE=LINK", value_parser = key_value)]
    pub evidence: Vec<(String, String)>,
    /// Pass an unmet gate, with a reason; may be repeated
    #[arg(long, value_name = "GATE=REASON", value_parser = key_value)]
    pub waive: Vec<(String, String)>,
    /// A short reason, for the API's history
    #[arg(long, value_name = "TEXT", requires = "phase")]
    pub note: Option<String>,
    /// The end of an API.
    #[command(flatten)]
    pub ending: EndingArgs,
    /// Run the repository's own `make lint test` for a gate that needs it; without this flag its code is never run
    #[arg(long)]
    pub run_checks: bool,
    /// The repository's folder, when it is not where the registry says; the change is committed there
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub repository: Option<PathBuf>,
    /// The template with the gates, when it is not the one that the API was made from.
    #[command(flatten)]
    pub template: TemplateArgs,
    /// Print what would be done, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// The end of an API.
#[derive(Args, Clone, Debug)]
pub struct EndingArgs {
    /// The day from which new users should not start, such as 2027-01-31
    #[arg(long, value_name = "DATE", requires = "phase")]
    pub deprecation: Option<Date>,
    /// The day on which the API stops answering
    #[arg(long, value_name = "DATE", requires = "phase")]
    pub sunset: Option<Date>,
    /// The API to use instead: an https address
    #[arg(long, value_name = "URL", requires = "phase")]
    pub successor: Option<String>,
    /// A page with advice for its users: an https address
    #[arg(long, value_name = "URL", requires = "phase")]
    pub documentation: Option<String>,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum TemplateCommand {
    /// List the template's questions; with --json as a JSON Schema of an answers file
    Questions {
        /// The template.
        #[command(flatten)]
        template: TemplateArgs,
    },
    /// Render the template into a new folder: no commit, no record
    Preview(PreviewArgs),
}

/// Render the template into a new folder: no commit, no record
#[derive(Args, Debug)]
pub struct PreviewArgs {
    /// The name of the API to render it for
    #[arg(default_value = "example-api")]
    pub name: String,
    /// What the preview is made from.
    #[command(flatten)]
    pub input: InputArgs,
    /// The folder to make
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub into: PathBuf,
}

impl Cli {
    /// Reads a command line. What it leaves out, `variables` of the environment may say. Help is `width` columns wide, or
    /// as the terminal.
    pub fn read(
        arguments: Vec<OsString>,
        variables: &BTreeMap<String, String>,
        width: Option<usize>,
    ) -> Result<Self, clap::Error> {
        let mut command = Self::command();
        if let Some(width) = width {
            command = command.term_width(width);
        }
        let matches = command.try_get_matches_from_mut(arguments)?;
        let mut cli = Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        cli.take(variables).map_err(|sentence| command.error(ErrorKind::ValueValidation, sentence))?;
        let new = matches.subcommand_matches("new");
        let visibility = new.and_then(|new| new.value_source("visibility")) == Some(ValueSource::CommandLine);
        if let Command::New(NewArgs { hosting, .. }) = &cli.command
            && hosting.owner.is_none()
            && (visibility || hosting.create_teams || hosting.ssh)
            && let Some(command) = command.find_subcommand_mut("new")
        {
            let sentence = "`--visibility`, `--create-teams` and `--ssh` need `--owner`";
            return Err(command.error(ErrorKind::MissingRequiredArgument, sentence));
        }
        Ok(cli)
    }

    /// Takes what the command line leaves out from variables. Clap would read those of the process.
    fn take(&mut self, variables: &BTreeMap<String, String>) -> Result<(), String> {
        let variable = |name: &str| variables.get(name).cloned();
        let global = &mut self.global;
        if let Some(text) = variable("APISCAFFOLD_OFFLINE") {
            let sentence = |rule| format!("invalid value '{text}' for 'APISCAFFOLD_OFFLINE': {rule}");
            global.offline |= switch(&text).map_err(sentence)?;
        }
        global.registry = global.registry.take().or_else(|| variable("APISCAFFOLD_REGISTRY"));
        if let Command::New(NewArgs { hosting: HostingArgs { owner, .. }, .. })
        | Command::Doctor(DoctorArgs { owner, .. }) = &mut self.command
        {
            *owner = owner.take().or_else(|| variable("APISCAFFOLD_OWNER"));
        }
        if let Command::New(NewArgs { input: InputArgs { template, .. }, .. })
        | Command::Check(CheckArgs { input: InputArgs { template, .. }, .. })
        | Command::Doctor(DoctorArgs { input: InputArgs { template, .. }, .. })
        | Command::List(ListArgs { template, .. })
        | Command::Phase(PhaseArgs { template, .. })
        | Command::Template(
            TemplateCommand::Questions { template }
            | TemplateCommand::Preview(PreviewArgs { input: InputArgs { template, .. }, .. }),
        ) = &mut self.command
        {
            template.source = template.source.take().or_else(|| variable("APISCAFFOLD_TEMPLATE"));
        }
        Ok(())
    }
}

impl InputArgs {
    /// What a repository is to be made from.
    pub(crate) fn inputs(&self) -> Inputs {
        let Self { spec, spec_root, answers, set, template } = self.clone();
        Inputs { spec, spec_root, answers, set, template: template.choice() }
    }
}

impl TemplateArgs {
    /// Which template is to be used.
    pub(crate) fn choice(&self) -> Choice {
        Choice { source: self.source.clone(), at: self.at.clone() }
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

/// A variable that switches something on or off; an empty one does not.
fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "" | "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("write `true` or `false`".to_owned()),
    }
}
