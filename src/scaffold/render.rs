//! From material and answers to the tree of a repository and its record.

use serde_json::{Map, Value, json};

use super::request::Material;
use super::template::{Template, TemplateEngine};
use crate::answers::Answers;
use crate::error::{Blame, Failure, Fault};
use crate::model::name::initials;
use crate::model::receipt::{self, Receipt};
use crate::model::record::{Record, RecordState, Repository};
use crate::model::settings::Settings;
use crate::model::tree::{File, Tree, TreePath};
use crate::registry;
#[cfg(feature = "cargo-generate")]
use crate::template::generate::render::Request;
use crate::template::render::{self, RenderErrors};
use crate::template::settings;
use crate::template::values::Values;

/// A template whose files and the tool's own meet at one path.
#[derive(Debug, thiserror::Error)]
#[error("template `{template}` puts a file at `{path}`, which is where the tool puts the {what}")]
struct Meeting {
    template: String,
    path: String,
    what: &'static str,
}

impl Blame for Meeting {
    fn fault(&self) -> Fault {
        Fault::Template
    }

    fn hint(&self) -> Option<String> {
        Some("the template's maintainers can leave that file out with a [[file]] rule".to_owned())
    }
}

/// The record of an API as its repository describes it: reserved, without a location.
pub(crate) fn draft(material: &Material, answers: &Answers) -> Record {
    let values = answers.values();
    let text = |key: &str| values.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let or = |given: String, other: &dyn Fn() -> String| if given.is_empty() { other() } else { given };
    let name = material.name.clone();
    let summary = material.spec.as_ref().map(|spec| &spec.summary);
    let (guid, spec_guid) = registry::guids(&name);
    let environments = material.environments(values);
    let names = environments.iter().filter_map(|environment| environment.get("name")?.as_str().map(str::to_owned));
    Record {
        short_name: or(text("short_name"), &|| initials(name.as_str())),
        guid,
        spec_guid,
        title: or(text("title"), &|| summary.map_or_else(|| name.to_string(), |summary| summary.title.clone())),
        description: text("description"),
        owner: text("owner_team"),
        contact: text("contact_email"),
        style: text("style"),
        base_path: or(text("base_path"), &|| name.to_string()),
        environments: names.collect(),
        service_level: text("service_level"),
        state: RecordState::Reserved,
        phase: material.stage.0,
        repository: Repository::default(),
        template: material.template.used.clone(),
        ending: material.stage.1.clone(),
        history: Vec::new(),
        evidence: Vec::new(),
        waivers: Vec::new(),
        other: toml::Table::new(),
        name,
    }
}

/// What a record knows, as answers to the questions that [`draft`] takes it from.
pub(crate) fn told(record: &Record) -> Vec<(&'static str, Value)> {
    let texts = [
        ("short_name", &record.short_name),
        ("title", &record.title),
        ("description", &record.description),
        ("owner_team", &record.owner),
        ("contact_email", &record.contact),
        ("style", &record.style),
        ("base_path", &record.base_path),
        ("service_level", &record.service_level),
    ];
    let texts = texts.into_iter().filter(|(_, text)| !text.is_empty());
    let mut told: Vec<(&str, Value)> = texts.map(|(question, text)| (question, text.as_str().into())).collect();
    if !record.environments.is_empty() {
        told.push(("environments", record.environments.clone().into()));
    }
    told
}

/// A repository as it is to be.
pub(crate) struct Rendered {
    /// Its files.
    pub(crate) tree: Tree,
    /// What its forge is to be told about it.
    pub(crate) settings: Settings,
}

/// Renders the repository of `record`: the template's files, the spec's, and the receipt; and its settings. The material stays
/// as it is, so that it can be rendered again.
pub(crate) fn repository(material: &Material, answers: &Answers, record: &Record) -> Result<Rendered, Failure> {
    let common = material.common();
    let place = spec_place(material, &common, answers)?;
    let values = values(material, common, answers, record, &place.path);
    let settings = settings::settings(&material.template.manifest.github, &material.engine, &values);
    let template_name = material.template.used.name.clone();
    let settings = settings.map_err(|errors| RenderErrors { template: template_name, errors })?;
    let mut tree = template(material, answers, &Values::new(&values))?;
    add_spec(material, &mut tree, &place)?;
    let receipt = Receipt {
        name: material.name.clone(),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        template: material.template.used.clone(),
        spec: place.path,
        spec_root: if place.is_below { place.root } else { String::new() },
        phase: record.phase,
        ending: record.ending.clone(),
        answers: answers.values().clone(),
    };
    let file = File::plain(receipt.to_toml().into_bytes());
    add(&mut tree, receipt::FILE_NAME, file, "receipt", &material.template.used.name)?;
    Ok(Rendered { tree, settings })
}

/// Renders the template's files.
#[cfg_attr(not(feature = "cargo-generate"), expect(unused_variables, reason = "`values` holds our own's answers"))]
fn template(material: &Material, answers: &Answers, values: &Values) -> Result<Tree, Failure> {
    let Template { manifest, kind, tree, used, .. } = &*material.template;
    let tree = tree.clone();
    match kind {
        TemplateEngine::Own => {
            let rendered = render::render(tree, &manifest.files, &material.engine, values);
            Ok(rendered.map_err(|errors| RenderErrors { template: used.name.clone(), errors })?)
        }
        #[cfg(feature = "cargo-generate")]
        TemplateEngine::CargoGenerate(config, fence) => {
            let (name, answers) = (material.name.as_str(), answers.values());
            Request { manifest, config, name, answers, fence }.render(tree, &material.engine)
        }
    }
}

fn values(
    material: &Material,
    mut values: Map<String, Value>,
    answers: &Answers,
    record: &Record,
    spec_path: &str,
) -> Map<String, Value> {
    values.extend(answers.values().clone());
    values.insert("environments".to_owned(), material.environments(answers.values()).into());
    let ending = &record.ending;
    let day = |date: Option<jiff::civil::Date>| date.map(|date| date.to_string()).unwrap_or_default();
    let api = json!({
        "name": record.name, "short_name": record.short_name, "guid": record.guid, "spec_guid": record.spec_guid,
        "title": record.title, "description": record.description, "base_path": record.base_path,
        "owner": record.owner, "contact": record.contact, "style": record.style, "phase": record.phase,
        "service_level": record.service_level, "spec_path": spec_path,
        // A folder of this machine is no place that others could look at.
        "repository": Some(&*record.repository.url).filter(|url| !url.starts_with("file:")).unwrap_or_default(),
        "deprecation": day(ending.deprecation), "sunset": day(ending.sunset),
        "documentation": ending.documentation.as_deref().unwrap_or_default(),
        "successor": ending.successor.as_deref().unwrap_or_default(),
    });
    values.insert("api".to_owned(), api);
    values
}

/// Where the spec is in the repository.
struct SpecPlace {
    /// The document.
    path: String,
    /// The folder that all its files are in or below; `.` is the repository.
    root: String,
    /// Whether the document is not in that folder itself, but further below.
    is_below: bool,
}

/// Where the spec is in the repository. A document that its files refer to by name keeps its name.
fn spec_place(material: &Material, common: &Map<String, Value>, answers: &Answers) -> Result<SpecPlace, Failure> {
    let manifest = &material.template.manifest;
    let Some(place) = &manifest.spec else {
        return Ok(SpecPlace { path: String::new(), root: String::new(), is_below: false });
    };
    let mut values = Values::new(common);
    values.extend(answers.values());
    let path = material.engine.text(crate::template::manifest::FILE_NAME, &place.path, &values);
    let path = path.map_err(|error| material.in_manifest(&place.path, error))?;
    let (root, name) = path.rsplit_once('/').unwrap_or((".", &path));
    let Some(spec) = &material.spec else {
        return Ok(SpecPlace { root: root.to_owned(), is_below: false, path: format!("{path}.yaml") });
    };
    let main = spec.main.as_str();
    let (below, own) = main.rsplit_once('/').map_or(("", main), |(below, own)| (below, own));
    let is_named = |(path, file): (&TreePath, &File)| {
        let name = if *path == spec.main { format!("{own}#") } else { own.to_owned() };
        contains(&file.bytes, name.as_bytes())
    };
    let name = if spec.tree.iter().any(is_named) {
        own.to_owned()
    } else {
        format!("{name}.{}", spec.main.extension().unwrap_or("yaml"))
    };
    let path = [root, below, &name].into_iter().filter(|part| !part.is_empty() && *part != ".");
    let path = path.collect::<Vec<_>>().join("/");
    Ok(SpecPlace { path, root: root.to_owned(), is_below: !below.is_empty() })
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find(bytes, word).is_some()
}

/// Puts the producer's document and the files it refers to into the tree, byte for byte.
fn add_spec(material: &Material, tree: &mut Tree, place: &SpecPlace) -> Result<(), Failure> {
    let (Some(spec), Some(_)) = (&material.spec, &material.template.manifest.spec) else { return Ok(()) };
    for (path, file) in spec.tree.iter() {
        let target = match place.root.as_str() {
            _ if *path == spec.main => place.path.clone(),
            "." => path.to_string(),
            root => format!("{root}/{path}"),
        };
        add(tree, &target, file.clone(), "spec", &material.template.used.name)?;
    }
    Ok(())
}

fn add(tree: &mut Tree, path: &str, file: File, what: &'static str, template: &str) -> Result<(), Failure> {
    if tree.get(path).is_some() {
        return Err(Meeting { template: template.to_owned(), path: path.to_owned(), what }.into());
    }
    Ok(tree.insert(TreePath::new(path)?, file)?)
}
