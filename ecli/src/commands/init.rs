//! `ecli init`.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

use super::print;
use crate::project::{Language, NewProject, Template, check_name};
use crate::table;

const AFTER_HELP: &str = "\
What is missing is asked for on a terminal; elsewhere it is a guest in Rust and the template
`tracepoint`.

Examples:
  ecli init                                Ask for everything
  ecli init --list                         Say what the templates do
  ecli init mytool                         A folder mytool with a project in it
  ecli init mytool --lang go --template histogram
  ecli init mytool && cd mytool && ecli test && ecli build && sudo ecli run mytool";

/// Write a new project: sources, tests, documentation
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// The project's folder, which must not exist or be empty; its name is the tool's
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Language of the guest
    #[arg(short, long, visible_alias = "language", value_name = "LANGUAGE")]
    lang: Option<Language>,
    /// What the tool does at first
    #[arg(short, long, value_name = "TEMPLATE")]
    template: Option<Template>,
    /// Say what the templates do
    #[arg(long)]
    list: bool,
}

/// Writes a project and says what comes next.
pub(crate) fn run(options: Options) -> Result<()> {
    if options.list {
        return print(list().as_bytes());
    }
    let asks = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let folder = match options.folder {
        Some(folder) => folder,
        None if asks => ask_for_folder()?,
        None => bail!("say how the tool is called: ecli init NAME"),
    };
    let language = choose(options.lang, Language::Rust, "Language of the guest", asks)?;
    let template = choose(options.template, Template::Tracepoint, "Template", asks)?;
    let name = name(&folder)?;
    let project = NewProject {
        name: &name,
        language,
        template,
    };
    project.write(&folder)?;
    let shown = folder.display();
    let mut text = format!("created {shown}: {}\n", template.description());
    if let Some(needs) = template.needs() {
        text += &format!("it needs {needs}\n");
    }
    text += &format!("\n    cd {shown}\n    ecli test\n    ecli build\n    sudo ecli run .\n");
    print(text.as_bytes())
}

/// A folder whose name a tool can have.
fn ask_for_folder() -> Result<PathBuf> {
    loop {
        let folder = PathBuf::from(ask("Name of the tool", "mytool")?);
        match name(&folder).and_then(|name| check_name(&name)) {
            Ok(()) => return Ok(folder),
            Err(error) => say!("{error:#}"),
        }
    }
}

/// The folder's name, also of `.`.
fn name(folder: &Path) -> Result<String> {
    let absolute =
        std::path::absolute(folder).with_context(|| format!("find {}", folder.display()))?;
    let name = absolute.file_name().and_then(|name| name.to_str());
    name.map(str::to_owned)
        .with_context(|| format!("name the tool in {}", folder.display()))
}

fn list() -> String {
    let mut rows = vec![["TEMPLATE", "WHAT THE TOOL DOES", "WHAT IT NEEDS"].map(str::to_owned)];
    rows.extend(Template::value_variants().iter().map(|template| {
        let needs = template.needs().unwrap_or_default();
        [
            value_name(template),
            template.description().to_owned(),
            needs.to_owned(),
        ]
    }));
    let languages: Vec<String> = Language::value_variants().iter().map(value_name).collect();
    format!(
        "{}\nLanguages: {}\n",
        table::aligned(&rows),
        languages.join(", ")
    )
}

fn value_name<T: ValueEnum>(value: &T) -> String {
    let name = value.to_possible_value();
    name.map_or_else(String::new, |name| name.get_name().to_owned())
}

/// What was chosen, or else what the user says, or else the default.
fn choose<T: ValueEnum>(chosen: Option<T>, default: T, what: &str, asks: bool) -> Result<T> {
    match chosen {
        Some(chosen) => return Ok(chosen),
        None if !asks => return Ok(default),
        None => {}
    }
    let names: Vec<String> = T::value_variants().iter().map(value_name).collect();
    let question = format!("{what} ({})", names.join(", "));
    loop {
        let answer = ask(&question, &value_name(&default))?;
        match T::from_str(&answer, true) {
            Ok(value) => return Ok(value),
            Err(_) => say!("there is no {answer:?}"),
        }
    }
}

/// What the user types, or the default for an empty line.
fn ask(question: &str, default: &str) -> Result<String> {
    let mut stderr = std::io::stderr();
    write!(stderr, "{question} [{default}]: ")
        .and_then(|()| stderr.flush())
        .context("ask on the terminal")?;
    let mut line = String::new();
    let bytes = std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("read the answer")?;
    // Ctrl-D.
    if bytes == 0 {
        bail!("no answer");
    }
    match line.trim() {
        "" => Ok(default.to_owned()),
        answer => Ok(answer.to_owned()),
    }
}
