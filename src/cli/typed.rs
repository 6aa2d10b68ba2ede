//! What people type who come from other tools: options with one dash, and options and commands of other tools.
//!
//! What means the same here is understood, and everything else is refused with what to type instead. Nothing is
//! misread: `-out=FILE` is not `-o ut=FILE`.

use super::Cli;

use clap::{
    Command, CommandFactory as _, Parser as _,
    error::{ContextKind, ContextValue, ErrorKind},
};
use std::ffi::OsString;

/// An option or a command of another tool, and what to type instead.
struct ForeignWord {
    words: &'static [&'static str],
    advice: &'static str,
}

/// Options of Terraform, decK, kubectl and the Octopus CLI that this tool does not have, or calls otherwise.
const OPTIONS: &[ForeignWord] = &[
    ForeignWord { words: &["out"], advice: "`plan -o FILE` saves the plan" },
    ForeignWord { words: &["json", "output-json"], advice: "`--format json` prints JSON" },
    ForeignWord {
        words: &["detailed-exitcode", "non-zero-exit-code"],
        advice: "`plan --exit-code` exits with 2 if there are changes",
    },
    ForeignWord { words: &["no-color", "no-colour"], advice: "`--color never` prints no colour" },
    ForeignWord {
        words: &["var", "var-file"],
        advice: "this version has no variables in files: write the value itself",
    },
    ForeignWord {
        words: &[
            "backend",
            "backend-config",
            "backup",
            "lock",
            "lock-timeout",
            "migrate-state",
            "reconfigure",
            "refresh",
            "refresh-only",
            "state",
            "state-out",
            "upgrade",
        ],
        advice: "remove it: there is no state file, the live server is the truth",
    },
    ForeignWord {
        words: &["assume-yes", "force", "input", "non-interactive"],
        advice: "`apply --auto-approve` asks nothing",
    },
    ForeignWord {
        words: &["destroy", "prune"],
        advice: "`[[removed]]` in the file deletes one object, and `prune` under `[manage]` all that are not declared",
    },
    ForeignWord {
        words: &["replace"],
        advice: "remove it: a worker is replaced if its kind changes in the file",
    },
    ForeignWord { words: &["chdir"], advice: "run it in that folder, or name files with `-f`" },
    ForeignWord {
        words: &["filename", "recursive"],
        advice: "`-f FILE` or `-f FOLDER` names the files",
    },
    ForeignWord { words: &["compact-warnings"], advice: "`-q` prints findings and the summary" },
    ForeignWord {
        words: &["check", "dry-run", "dryrun", "whatif", "what-if"],
        advice: "`plan` shows the changes without making any",
    },
    ForeignWord { words: &["debug", "trace"], advice: "`-vv` shows every request" },
    ForeignWord { words: &["server", "octopus-url"], advice: "`--url URL` names the server" },
    ForeignWord {
        words: &["api-key", "apiKey", "apikey", "token"],
        advice: "OCTOPUS_API_KEY or `--api-key-file FILE` passes the key: others could see it in the list of processes",
    },
];

/// Commands of other tools.
const COMMANDS: &[ForeignWord] = &[
    ForeignWord {
        words: &["diff", "preview", "whatif"],
        advice: "`poolwright plan` shows how the server differs from the files",
    },
    ForeignWord {
        words: &["lint", "validate", "verify"],
        advice: "`poolwright check` checks the files without a server",
    },
    ForeignWord {
        words: &["adopt", "dump", "export", "import"],
        advice: "`poolwright pull` writes the server's state as a file",
    },
    ForeignWord {
        words: &["converge", "deploy", "push", "reconcile", "run", "sync", "up", "update"],
        advice: "`poolwright apply` makes the changes",
    },
    ForeignWord {
        words: &["delete", "destroy", "down", "remove", "reset", "rm"],
        advice: "`[[removed]]` in the file deletes an object with the next `poolwright apply`",
    },
    ForeignWord {
        words: &["describe", "get", "list", "ls", "status", "where", "why"],
        advice: "`poolwright explain PROJECT` says where steps run, and `--pool POOL` what uses a pool",
    },
    ForeignWord {
        words: &["force-unlock", "refresh", "state", "taint", "untaint", "workspace"],
        advice: "there is no state file: `poolwright plan` compares with the live server",
    },
    ForeignWord { words: &["output", "view"], advice: "`poolwright show PLAN` shows a saved plan" },
    ForeignWord {
        words: &["revert", "undo"],
        advice: "`poolwright rollback RECEIPT` undoes an apply",
    },
    ForeignWord {
        words: &["auth", "login", "logout"],
        advice: "OCTOPUS_URL and OCTOPUS_API_KEY, or `--api-key-file FILE`, say who you are",
    },
    ForeignWord {
        words: &["create", "new", "setup"],
        advice: "`poolwright init` writes a file to start from",
    },
    ForeignWord { words: &["version"], advice: "`poolwright --version` prints the version" },
];

/// Parses a command line, `args` starting with the program's name.
///
/// # Errors
///
/// Returns what clap has to say, with advice for words of other tools.
pub(super) fn parse_args(args: Vec<OsString>) -> Result<Cli, clap::Error> {
    let mut root = Cli::command();
    root.build();
    Cli::try_parse_from(double_dashes(args, &root)).map_err(advise)
}

/// Gives options that are typed with one dash their second one.
fn double_dashes(args: Vec<OsString>, root: &Command) -> Vec<OsString> {
    let mut command = root;
    let mut args = args.into_iter();
    let mut understood: Vec<OsString> = args.next().into_iter().collect();
    while let Some(arg) = args.next() {
        let Some(text) = arg.to_str() else {
            understood.push(arg);
            continue;
        };
        if text == "--" {
            understood.push(arg);
            break;
        }
        if let Some(inner) = command.find_subcommand(text) {
            command = inner;
        }
        let next = args.as_slice().first().and_then(|next| next.to_str());
        let long = long_spelling(text, next, command, root);
        understood.push(long.map_or(arg, OsString::from));
    }
    understood.extend(args);
    understood
}

/// Returns the spelling with two dashes of an option that was typed with one; `None` for anything else.
fn long_spelling(
    text: &str,
    next: Option<&str>,
    command: &Command,
    root: &Command,
) -> Option<String> {
    let typed = text.strip_prefix('-').filter(|rest| !rest.starts_with('-'))?;
    let (name, value) = match typed.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (typed, None),
    };
    // A dash and a letter are a short option, and what follows a letter may be its value.
    name.chars().nth(1)?;
    if name == "out" && has_long(command, "output") && !names_format(value.or(next)) {
        return Some(join_option("output", value));
    }
    let is_known = has_long(command, name)
        || has_long_anywhere(root, name)
        || OPTIONS.iter().any(|foreign| foreign.words.contains(&name));
    let is_misspelt = || {
        let takes_value = |arg: &clap::Arg| {
            arg.get_short() == name.chars().next() && arg.get_action().takes_values()
        };
        let is_word = name.chars().all(|c| c.is_ascii_alphabetic() || c == '-');
        value.is_some() && is_word && command.get_arguments().any(takes_value)
    };
    (is_known || is_misspelt()).then(|| join_option(name, value))
}

/// Whether a value is that of this tool's own `--out FORMAT=FILE`.
fn names_format(value: Option<&str>) -> bool {
    const FORMATS: [&str; 7] =
        ["text", "json", "markdown", "html", "sarif", "junit", "code-quality"];
    let format = value.and_then(|value| value.split_once('=')).map(|(format, _)| format);
    format.is_some_and(|format| FORMATS.contains(&format))
}

fn join_option(name: &str, value: Option<&str>) -> String {
    let value = value.map(|value| format!("={value}"));
    format!("--{name}{}", value.unwrap_or_default())
}

fn has_long(command: &Command, name: &str) -> bool {
    command.get_arguments().any(|arg| {
        let aliases = arg.get_all_aliases().unwrap_or_default();
        arg.get_long() == Some(name) || aliases.contains(&name)
    })
}

fn has_long_anywhere(command: &Command, name: &str) -> bool {
    has_long(command, name) || command.get_subcommands().any(|inner| has_long_anywhere(inner, name))
}

/// Adds what to type instead of a word of another tool.
fn advise(mut error: clap::Error) -> clap::Error {
    let (kind, words) = match error.kind() {
        ErrorKind::InvalidSubcommand => (ContextKind::InvalidSubcommand, COMMANDS),
        ErrorKind::UnknownArgument => (ContextKind::InvalidArg, OPTIONS),
        _ => return error,
    };
    let Some(ContextValue::String(typed)) = error.get(kind) else { return error };
    let typed = typed.trim_start_matches('-');
    let name = typed.split_once('=').map_or(typed, |(name, _)| name);
    if let Some(foreign) = words.iter().find(|foreign| foreign.words.contains(&name)) {
        // What clap finds similar is not what another tool means by it.
        for guess in [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg] {
            error.remove(guess);
        }
        let advice = ContextValue::StyledStrs(vec![foreign.advice.into()]);
        error.insert(ContextKind::Suggested, advice);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn understood(line: &str) -> String {
        let mut root = Cli::command();
        root.build();
        let args = line.split(' ').map(OsString::from).collect();
        let args = double_dashes(args, &root);
        args.iter().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_single_dash_option_is_read_as_a_double_dash_one() {
        for (typed, means) in [
            ("p plan -out=plan.json", "p plan --output=plan.json"),
            ("p plan -out plan.json", "p plan --output plan.json"),
            ("p plan -out=markdown=plan.md", "p plan --out=markdown=plan.md"),
            ("p plan -target=pools.a", "p plan --target=pools.a"),
            ("p plan -target pools.a", "p plan --target pools.a"),
            ("p plan -format=json", "p plan --format=json"),
            ("p plan -file=x.toml", "p plan --file=x.toml"),
            ("p apply -auto-approve", "p apply --auto-approve"),
            ("p apply -yes", "p apply --yes"),
            ("p apply -output=x", "p apply --output=x"),
            ("p plan -var=a=b", "p plan --var=a=b"),
            ("p plan -json", "p plan --json"),
            ("p plan -verbose", "p plan --verbose"),
            ("p plan -help", "p plan --help"),
            ("p -version", "p --version"),
            ("p plan -outt=plan.json", "p plan --outt=plan.json"),
            ("p ocl plan -project=X .", "p ocl plan --project=X ."),
        ] {
            assert_eq!(understood(typed), means);
        }
    }

    #[test]
    fn short_options_and_values_stay_as_they_are() {
        for typed in [
            "p plan -o plan.json -f workers.toml",
            "p plan -oplan.json -fworkers.toml",
            "p plan -o=plan.json",
            "p plan -vv -qq",
            "p plan -Dwarnings",
            "p plan -f -",
            "p plan -o./a=b.json",
            "p explain -- -out=x",
        ] {
            assert_eq!(understood(typed), typed);
        }
    }

    #[test]
    fn no_foreign_command_word_is_an_own_command() {
        let root = Cli::command();
        let all = COMMANDS.iter().flat_map(|foreign| foreign.words);
        let own: Vec<_> = all.filter(|word| root.find_subcommand(word).is_some()).collect();
        assert_eq!(own, [&""; 0]);
    }
}
