//! `apiscaffold template`: for the people who write templates.

use serde_json::json;

use crate::answers::schema;
use crate::cli::{PreviewArgs, TemplateArgs};
use crate::disk::{self, DiskError, Staging};
use crate::error::Failure;
use crate::model::name::ApiName;
use crate::model::phase::Phase;
use crate::model::question::{AnswerType, DefaultValue, Question};
use crate::model::text::one_line;
use crate::scaffold::address::{self, DerivedAnswer};
use crate::scaffold::render::{self, Rendered};
use crate::scaffold::request::Material;
use crate::scaffold::{template, warnings};
use crate::world::World;

/// Lists what a template asks.
pub(super) fn questions(arguments: &TemplateArgs, world: &World) -> Result<(), Failure> {
    let mut template = template::read(&arguments.choice(), world)?;
    template.manifest.withhold_environments(Phase::default());
    let questions = &template.manifest.questions;
    if world.terminal.json() {
        world.terminal.result_json(&schema::schema(questions));
    } else {
        world.terminal.result(&questions.iter().map(line).collect::<Vec<_>>().join("\n"));
    }
    Ok(())
}

fn line(question: &Question) -> String {
    let choices = match &question.kind {
        AnswerType::Choice { choices } | AnswerType::List { choices, .. } if !choices.is_empty() => {
            format!(" of {}", choices.join(", "))
        }
        _ => String::new(),
    };
    let default = match &question.default {
        None => "; must be answered".to_owned(),
        Some(DefaultValue::Value(value)) => format!("; default {value}"),
        Some(DefaultValue::Text(text)) if text.contains('\n') || text.contains("{%") => "; default derived".to_owned(),
        Some(DefaultValue::Text(text)) => format!("; default {text}"),
    };
    let otherwise = match &question.otherwise {
        Some(DefaultValue::Value(value)) => format!(", otherwise {value}"),
        _ => String::new(),
    };
    let details = format!("{}{choices}{default}{otherwise}", question.kind.word());
    format!("{}  {}\n    {}", question.name, one_line(&question.prompt), one_line(&details))
}

/// Renders a template into a new folder.
pub(super) fn preview(arguments: &PreviewArgs, world: &World) -> Result<(), Failure> {
    let name = ApiName::new(arguments.name.clone())?;
    let target = world.absolute(&arguments.into);
    if target.symlink_metadata().is_ok() {
        return Err(DiskError::Exists { path: target }.into());
    }
    let mut material = Material::read(name, &arguments.input.inputs(), world)?;
    let answers = material.first_answers(world, &|_, proposed| proposed)?;
    let record = render::draft(&material, &answers);
    let taken: Vec<DerivedAnswer> = address::taken(&material, &answers);
    let warnings = warnings(&material, &answers, &record);
    for warning in &warnings {
        world.terminal.warn(warning);
    }
    let Rendered { tree, settings } = render::repository(&material, &answers, &record)?;
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let staging = Staging::new(target.parent().unwrap_or(&world.folder), &name)?;
    world.interrupt.leftover(staging.path());
    disk::write(&tree, staging.path())?;
    staging.put(&target)?;
    if world.terminal.json() {
        world.terminal.result_json(&json!({
            "path": target, "files": tree.len(), "settings": settings,
            "answers": taken.iter().map(DerivedAnswer::json).collect::<Vec<_>>(),
            "warnings": warnings,
        }));
    } else {
        let taken: String = taken.iter().map(|taken| format!("\n  {}", taken.line())).collect();
        world.terminal.result(&format!("{} files in {}{taken}", tree.len(), target.display()));
    }
    Ok(())
}
