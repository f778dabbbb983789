//! `token`: makes, lists and revokes the tokens of the API over TCP. It needs no running host: these are files.

use std::io::{self, Write};
use std::path::Path;

use provost_control::{Scope, Token, TokenError, Tokens};
use provost_supervisor::rfc3339;
use serde_json::{Value, json};

use super::context::{Context, now_ms};
use super::printing::{pretty, print};
use crate::args::{LineFormat, TableFormat, TokenCommand};
use crate::failure::Failure;
use crate::render::table::{Cell, Table};

/// Runs one of the commands.
pub(super) fn token(context: &Context, command: TokenCommand) -> Result<(), Failure> {
    let dir = context.outline()?.tokens_dir;
    match command {
        TokenCommand::New { name, scope, expires, output } => new(&dir, &name, scope, expires, output),
        TokenCommand::List { output } => list(context, &dir, output),
        TokenCommand::Revoke { name } => {
            Tokens::revoke(&dir, &name).map_err(failed)?;
            print(format!("revoked: a running host refuses `{name}` within a second\n"))
        }
    }
}

fn new(
    dir: &Path,
    name: &str,
    scope: Scope,
    expires: Option<u64>,
    output: LineFormat,
) -> Result<(), Failure> {
    let now = now_ms();
    let expires = expires.map(|after| now.saturating_add(after));
    let secret = Tokens::create(dir, name, scope, now, expires).map_err(failed)?;
    if output == LineFormat::Json {
        let expires = expires.map(rfc3339);
        return print(pretty(
            &json!({ "name": name, "scope": scope.as_str(), "expires_at": expires, "token": secret.as_str() }),
        )?);
    }
    let until =
        expires.map_or_else(|| "never expires".to_owned(), |at| format!("expires at {}", rfc3339(at)));
    // The secret must not be lost because of a note that cannot be printed.
    let _ = writeln!(
        io::stderr().lock(),
        "made the token `{name}`, which may {} and {until}; its secret is shown only this once:",
        may(scope)
    );
    print(format!("{}\n", secret.as_str()))
}

/// Returns what the owner of a token may do, in words.
fn may(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "read everything",
        Scope::Operate => "read everything and operate processes",
        Scope::Admin => "do everything",
    }
}

fn list(context: &Context, dir: &Path, output: TableFormat) -> Result<(), Failure> {
    let Tokens { list, unreadable } = Tokens::read(dir).map_err(failed)?;
    let now = now_ms();
    for why in &unreadable {
        let _ = writeln!(io::stderr().lock(), "warning: {}", provost_state::text::one_line(why));
    }
    let text = match output {
        TableFormat::Json => {
            pretty(&json!({ "tokens": list.iter().map(|it| object(it, now)).collect::<Vec<_>>() }))?
        }
        TableFormat::Table | TableFormat::Wide if list.is_empty() => {
            "no tokens: `provost token new NAME` makes one\n".to_owned()
        }
        TableFormat::Table | TableFormat::Wide => table(&list, now).render(&context.page),
    };
    print(text)
}

fn object(token: &Token, now_ms: u64) -> Value {
    json!({
        "name": &*token.name,
        "scope": token.scope.as_str(),
        "created_at": rfc3339(token.created_ms),
        "expires_at": token.expires_ms.map(rfc3339),
        "expired": token.has_expired(now_ms),
    })
}

fn table(tokens: &[Token], now_ms: u64) -> Table {
    let mut table = Table::new(&["NAME", "SCOPE", "CREATED", "EXPIRES"]);
    for token in tokens {
        let expires = match token.expires_ms {
            None => "never".to_owned(),
            Some(at) if token.has_expired(now_ms) => format!("expired {}", rfc3339(at)),
            Some(at) => rfc3339(at),
        };
        let cells = [token.name.to_string(), token.scope.to_string(), rfc3339(token.created_ms), expires];
        table.row(cells.into_iter().map(Cell::new).collect());
    }
    table
}

fn failed(error: TokenError) -> Failure {
    match &error {
        TokenError::Name(bad) => {
            let hint = bad.hint();
            Failure::usage(&error, hint)
        }
        TokenError::NameTaken(name) => Failure::usage(
            &error,
            format!("choose another name, or revoke that one: `provost token revoke {name}`"),
        ),
        TokenError::Unknown { .. } => Failure::usage(&error, "`provost token list` shows all of them"),
        TokenError::ExpiresAtOnce => Failure::usage(
            &error,
            "give it some time with `--expires`, such as 30d; without that it never expires",
        ),
        TokenError::TooMany(_) => Failure::failed(&error, "revoke those that nobody uses"),
        TokenError::File(_) | TokenError::Io { .. } => Failure::failed(
            &error,
            "the directory must belong to the user of the host: run this as that user, or set `tokens` in [api]",
        ),
        TokenError::NoRandomness => {
            Failure::failed(&error, "wait until the machine has started up, and try again")
        }
    }
}
