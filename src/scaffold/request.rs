//! From the command line to everything that a render needs: template, spec, answers, values.

use std::path::PathBuf;
use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::checkout::Files;
use super::template::{self, Choice, Template};
use super::{access, variables};
use crate::answers::file::{self, AnswersFile};
use crate::answers::{self, Answers, Ask, Expression, Layers};
use crate::error::{Blame, Failure, Fault};
use crate::model::ending::Ending;
use crate::model::name::ApiName;
use crate::model::phase::Phase;
use crate::model::question::Question;
use crate::model::receipt::{self, Receipt};
use crate::model::record::TemplateUsed;
use crate::openapi::{self, Spec};
use crate::template::engine::{Engine, RenderError};
use crate::template::manifest;
use crate::template::render::RenderErrors;
use crate::template::source::Source;
use crate::template::values::Values;
use crate::terminal::ask;
use crate::world::World;

/// How a receipt names the template that is built in.
const BUILT_IN: &str = "builtin";

/// What a repository is made from, as it was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inputs {
    pub(crate) spec: Option<PathBuf>,
    /// A folder around the spec that its references stay in; the spec's own if none is given.
    pub(crate) spec_root: Option<PathBuf>,
    pub(crate) answers: Option<PathBuf>,
    /// Single answers, each a question's name and the text of its answer.
    pub(crate) set: Vec<(String, String)>,
    pub(crate) template: Choice,
}

/// What a repository is made from, before the answers.
#[derive(Clone)]
pub(crate) struct Material {
    pub(crate) name: ApiName,
    pub(crate) template: Rc<Template>,
    pub(crate) spec: Option<Rc<Spec>>,
    pub(crate) engine: Engine,
    /// The phase that the repository is in, and the end that it tells of: the first and none for a new one.
    pub(crate) stage: (Phase, Ending),
    layers: Layers,
}

impl Material {
    /// Reads template, spec and answers files for an API that begins its life: environments that are for later phases
    /// are not to be had yet.
    pub(crate) fn first(name: ApiName, inputs: &Inputs, world: &World) -> Result<Self, Failure> {
        let mut template = template::read(&inputs.template, world)?;
        template.warn_of_uncommitted(world);
        template.manifest.withhold_environments(Phase::default());
        Self::with(name, inputs, template.into(), world)
    }

    /// Reads template, spec and answers files.
    pub(crate) fn read(name: ApiName, inputs: &Inputs, world: &World) -> Result<Self, Failure> {
        Self::with(name, inputs, template::read(&inputs.template, world)?.into(), world)
    }

    /// Reads spec and answers files; the template is read already.
    pub(crate) fn with(name: ApiName, inputs: &Inputs, template: Rc<Template>, world: &World) -> Result<Self, Failure> {
        let root = inputs.spec_root.as_ref().map(|root| world.absolute(root));
        let read = |path: &PathBuf| {
            openapi::check_is_local(path)?;
            openapi::read(&world.absolute(path), root.as_deref())
        };
        let spec = inputs.spec.as_ref().map(read).transpose()?;
        Self::of(name, spec, inputs, template, world)
    }

    /// Reads answers files; template and spec are read already.
    fn of(
        name: ApiName,
        spec: Option<Spec>,
        inputs: &Inputs,
        template: Rc<Template>,
        world: &World,
    ) -> Result<Self, Failure> {
        let layers = layers(inputs, &template.manifest.questions, spec.as_ref(), world)?;
        let (spec, engine) = (spec.map(Rc::new), Engine::new());
        Ok(Self { name, template, spec, engine, stage: Default::default(), layers })
    }

    /// What a repository of these files was made from: its spec as it is now, and the answers of its receipt.
    pub(crate) fn of_receipt(
        receipt: Receipt,
        files: &Files,
        template: Rc<Template>,
        world: &World,
    ) -> Result<Self, Failure> {
        let spec = if receipt.spec.is_empty() { None } else { files.spec(&receipt)? };
        let mut material = Self::of(receipt.name, spec, &Inputs::default(), template, world)?;
        material.stage = (receipt.phase, receipt.ending);
        // A template of another revision may ask less.
        let asked = |key: &String| material.template.manifest.questions.iter().any(|question| question.name == *key);
        let values: Map<String, Value> = receipt.answers.into_iter().filter(|(key, _)| asked(key)).collect();
        material.layers.file = Some(AnswersFile { path: receipt::FILE_NAME.into(), values });
        Ok(material)
    }

    /// The same without its spec.
    pub(crate) fn without_spec(&self) -> Self {
        Self { spec: None, ..self.clone() }
    }

    /// Takes the answers of an earlier run for what a person would say again.
    pub(crate) fn remember(&mut self, receipt: Option<Receipt>) {
        let answers = receipt.map(|receipt| receipt.answers).unwrap_or_default();
        self.layers.asked.extend(answers);
    }

    /// Answers a question otherwise than the receipt does.
    pub(crate) fn answer(&mut self, question: &str, value: Value) {
        if let Some(file) = &mut self.layers.file {
            file.values.insert(question.to_owned(), value);
        }
    }

    /// Prefers `value` to the template's default of a question.
    pub(crate) fn derive(&mut self, question: &str, value: impl Into<Value>) {
        self.layers.derived.insert(question.to_owned(), value.into());
    }

    /// Whether a value stands in the place of the template's default of a question.
    pub(crate) fn is_derived(&self, question: &str) -> bool {
        self.layers.derived.contains_key(question)
    }

    /// Settles every answer. `propose` may change what is proposed to a person. What a person has answered is not asked
    /// again when the answers are settled once more.
    pub(crate) fn answers(
        &mut self,
        world: &World,
        propose: &dyn Fn(&Question, Option<Value>) -> Option<Value>,
    ) -> Result<Answers, Failure> {
        let mut values = Values::new(&self.common());
        let mut evaluate = |expression: Expression<'_>, answers: &Map<String, Value>| {
            values.extend(answers);
            let (text, value) = match expression {
                Expression::Text(text) => (text, self.engine.text(manifest::FILE_NAME, text, &values).map(Value::from)),
                Expression::Condition(text) => {
                    (text, self.engine.condition(manifest::FILE_NAME, text, &values).map(Value::from))
                }
            };
            value.map_err(|error| self.in_manifest(text, error).into())
        };
        let mut ask = |question: &Question, proposed: Option<&Value>| -> Result<Value, Failure> {
            Ok(ask::ask(question, propose(question, proposed.cloned()).as_ref())?)
        };
        let ask: Option<Ask<'_>> = if world.terminal.can_ask() { Some(&mut ask) } else { None };
        let answers = answers::settle(&self.name, &self.template.manifest.questions, &self.layers, &mut evaluate, ask)?;
        for note in &answers.notes {
            world.terminal.warn(note);
        }
        self.layers.asked.extend(answers.asked());
        Ok(answers)
    }

    /// The answers for a repository that is to be made, which must not let in more callers than the spec does.
    pub(crate) fn first_answers(
        &mut self,
        world: &World,
        propose: &dyn Fn(&Question, Option<Value>) -> Option<Value>,
    ) -> Result<Answers, Failure> {
        let answers = self.answers(world, propose)?;
        access::check(self.spec.as_deref(), &answers)?;
        Ok(answers)
    }

    /// A fault of an expression in the manifest, at its place there.
    pub(crate) fn in_manifest(&self, expression: &str, mut error: RenderError) -> RenderErrors {
        let text = &self.template.text;
        let first = expression.lines().find(|line| !line.trim().is_empty()).unwrap_or(expression);
        if let Some(at) = text.find(first) {
            let before = &text[..at];
            error.line += before.matches('\n').count();
            error.column += before.rsplit('\n').next().unwrap_or_default().chars().count();
        }
        RenderErrors { template: self.template.used.name.clone(), errors: vec![error] }
    }

    /// The values that do not depend on answers.
    pub(crate) fn common(&self) -> Map<String, Value> {
        let used = &self.template.used;
        let template = json!({
            "name": used.name, "source": used.source, "revision": used.revision, "tool": env!("CARGO_PKG_VERSION"),
        });
        let mut values = Map::new();
        values.insert("name".to_owned(), self.name.as_str().into());
        values.insert("template".to_owned(), template);
        values.insert("spec".to_owned(), self.spec.as_deref().map_or(Value::Null, summary));
        let manifest = &self.template.manifest;
        values.insert("phases".to_owned(), json!(manifest.phases));
        values.insert("gates".to_owned(), json!(manifest.gates));
        values
    }

    /// The manifest's environments that the answer `environments` names; all of them when it is not asked.
    pub(crate) fn environments(&self, answers: &Map<String, Value>) -> Vec<Value> {
        let chosen = answers.get(manifest::ENVIRONMENTS).and_then(Value::as_array);
        let wanted = |name: Option<&Value>| chosen.is_none_or(|chosen| name.is_some_and(|name| chosen.contains(name)));
        let all = self.template.manifest.environments.iter();
        all.filter(|environment| wanted(environment.get("name"))).cloned().map(Value::Object).collect()
    }
}

/// The template that something was made from cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the template that `{name}` was made from ({used}) cannot be read: {reason}")]
struct TemplateGone {
    name: String,
    used: String,
    reason: String,
    fault: Fault,
}

impl Blame for TemplateGone {
    fn fault(&self) -> Fault {
        self.fault
    }

    fn hint(&self) -> Option<String> {
        Some("make it reachable again, or name where it is now with `--template SOURCE`".to_owned())
    }
}

/// Reads the template that an API was made from, unless another one is given.
///
/// Of a template that was a folder only the folder's name may be known: a folder of that name in the current one is taken
/// when it holds the template of the same name.
///
/// # Errors
/// `TemplateGone`, which names `--template`; for one that is given whatever is wrong with it.
pub(crate) fn again(given: &Choice, used: &TemplateUsed, name: &ApiName, world: &World) -> Result<Template, Failure> {
    let mut source = given.clone();
    if source.source.is_some() {
        return template::read(&source, world);
    }
    let at = if used.revision.is_empty() { String::new() } else { format!(" at {}", used.revision) };
    let gone = |reason: String, fault: Fault| TemplateGone {
        name: name.to_string(),
        used: format!("`{}`{at}", used.source),
        reason,
        fault,
    };
    if used.source != BUILT_IN {
        let is_remote = matches!(Source::parse(Some(&used.source), ""), Ok(Source::Git { .. }));
        source.at = source.at.take().or_else(|| is_remote.then(|| used.revision.clone()));
        source.source = Some(used.source.clone());
    }
    let template = template::read(&source, world).map_err(|failure| gone(failure.to_string(), failure.fault()))?;
    if used.source != BUILT_IN && template.used.name != used.name && !used.name.is_empty() {
        let reason = format!("what is there is the template `{}`, not `{}`", template.used.name, used.name);
        return Err(gone(reason, Fault::Input).into());
    }
    Ok(template)
}

/// What templates see of a spec.
fn summary(spec: &Spec) -> Value {
    let summary = &spec.summary;
    let operations: Vec<Value> = summary
        .operations
        .iter()
        .map(|operation| {
            json!({
                "method": operation.method, "path": operation.path, "id": operation.id, "summary": operation.summary,
                "tags": operation.tags, "statuses": operation.statuses,
                "media_types": operation.media_types, "security": operation.security,
                "deprecated": operation.deprecated,
            })
        })
        .collect();
    let contact = summary.contact.as_ref();
    let contact = contact.map(|contact| json!({"name": contact.name, "email": contact.email, "url": contact.url}));
    json!({
        "title": summary.title, "version": summary.version, "description": summary.description,
        "openapi": summary.openapi, "servers": summary.servers, "base_paths": summary.base_paths,
        "schemas": summary.schemas, "security": summary.security, "contact": contact, "operations": operations,
        "access": {"named": summary.named_modes().unwrap_or_default(), "shared": summary.shared_modes().unwrap_or_default()},
    })
}

fn layers(inputs: &Inputs, questions: &[Question], spec: Option<&Spec>, world: &World) -> Result<Layers, Failure> {
    let file = inputs.answers.as_ref().map(|path| file::read(&world.absolute(path))).transpose()?;
    let config = match world.config() {
        Some(path) => file::config(&path)?.map(|found| found.answers),
        None => None,
    };
    variables::refuse_misspelt(questions, world)?;
    for note in variables::notes(questions, world) {
        world.terminal.warn(&note);
    }
    let environment = questions.iter().filter_map(|question| {
        let variable = variables::of_question(question)?;
        let value = world.variables.get(&variable)?.clone();
        Some((question.name.clone(), variable, value))
    });
    let extension = spec.and_then(|spec| spec.document.get("x-apiscaffold")).and_then(Value::as_object);
    Ok(Layers {
        set: inputs.set.clone(),
        file,
        environment: environment.collect(),
        config,
        spec: extension.cloned().unwrap_or_default(),
        derived: Map::new(),
        asked: Map::new(),
    })
}
