//! Rust source text, read far enough to know which paths it names.
//!
//! Comments are passed over, and so is everything behind `#[cfg(test)]`. Use trees
//! are taken apart, `self` and `super` are resolved. The build script and
//! `tests/architecture.rs` share it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

/// A word, `::`, a sign or a literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) line: usize,
    pub(super) text: String,
    /// A text, a letter or bytes between quotes; numbers are words.
    quoted: bool,
}

/// A path such as `crate::plan::Task`, from its root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) line: usize,
    pub(super) segments: Vec<String>,
}

/// A file below `src`, without its tests.
#[derive(Debug)]
pub(super) struct Source {
    /// Place below `src`, with `/` between the parts.
    pub(super) path: String,
    pub(super) first_line: String,
    /// Without what stands between quotes.
    pub(super) tokens: Vec<Token>,
    /// All that the compiler sees, one token a line.
    pub(super) code: String,
    pub(super) names: Vec<Named>,
    /// Modules below this one that are there for tests only.
    test_modules: Vec<Vec<String>>,
}

impl Source {
    /// Reads one text as if it lay at `path` below `src`.
    pub(super) fn parse(path: &str, text: &str) -> Self {
        let module = module_of(path);
        let (mut tokens, test_modules) = without_tests(&tokens(text));
        let mut code = String::with_capacity(text.len());
        for token in &tokens {
            code.push_str(&token.text);
            code.push('\n');
        }
        tokens.retain(|token| !token.quoted);
        let mut names = paths(&tokens);
        for name in &mut names {
            name.segments = resolve(&name.segments, &module);
        }
        let below = |name: String| module.iter().cloned().chain([name]).collect();
        Self {
            path: path.to_owned(),
            first_line: text.lines().next().unwrap_or_default().to_owned(),
            tokens,
            code,
            names,
            test_modules: test_modules.into_iter().map(below).collect(),
        }
    }

    /// The module of the top level that this file belongs to: `plan`, `bits`, `main`.
    pub(super) fn part(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Whether the file is `place`, or lies in it if that ends in `/`.
    pub(super) fn lies_in(&self, place: &str) -> bool {
        self.path == place || (place.ends_with('/') && self.path.starts_with(place))
    }
}

/// Reads all files below `root` but those that only tests see, ordered by path.
pub(super) fn read_all(root: &Path) -> io::Result<Vec<Source>> {
    let mut sources = Vec::new();
    read_folder(root, "", &mut sources)?;
    let tests: BTreeSet<Vec<String>> = sources
        .iter()
        .flat_map(|source| source.test_modules.iter().cloned())
        .collect();
    sources.retain(|source| {
        let module = module_of(&source.path);
        !(1..=module.len()).any(|length| tests.contains(&module[..length]))
    });
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

fn read_folder(folder: &Path, place: &str, sources: &mut Vec<Source>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let place = format!("{place}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read_folder(&entry.path(), &format!("{place}/"), sources)?;
        } else if entry.path().extension().is_some_and(|end| end == "rs") {
            sources.push(Source::parse(&place, &fs::read_to_string(entry.path())?));
        }
    }
    Ok(())
}

/// `plan/build.rs` is the module `plan::build`, `plan/mod.rs` is `plan`.
fn module_of(path: &str) -> Vec<String> {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let mut module: Vec<String> = path.split('/').map(str::to_owned).collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib")) {
        module.pop();
    }
    module
}

/// Words and signs of a text, with the lines that they stand on.
fn tokens(text: &str) -> Vec<Token> {
    let (mut rest, mut line, mut tokens) = (text, 1, Vec::new());
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            line += usize::from(first == '\n');
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let comment = comment_length(rest);
        let literal = literal_length(rest);
        let length = comment
            .or(literal)
            .unwrap_or_else(|| match word_length(rest) {
                0 if rest.starts_with("::") => 2,
                0 => first.len_utf8(),
                length => length,
            });
        let (taken, after) = rest.split_at(length);
        if comment.is_none() {
            let (text, quoted) = (taken.to_owned(), literal.is_some());
            tokens.push(Token { line, text, quoted });
        }
        if comment.or(literal).is_some() {
            line += taken.matches('\n').count();
        }
        rest = after;
    }
    tokens
}

fn word_length(rest: &str) -> usize {
    rest.find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len())
}

/// Length of the comment that `rest` begins with.
fn comment_length(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    rest.starts_with("/*").then(|| block_comment(rest))
}

/// Length of the literal between quotes that `rest` begins with.
fn literal_length(rest: &str) -> Option<usize> {
    if !rest.starts_with(['b', 'c', 'r', '"', '\'']) {
        return None;
    }
    let prefix = ["br", "cr", "r", "b", "c", ""].into_iter().find(|prefix| {
        let after = rest.strip_prefix(prefix).unwrap_or_default();
        after.trim_start_matches('#').starts_with('"') || after.starts_with('\'')
    })?;
    let body = &rest[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = body.len() - body.trim_start_matches('#').len();
        let end = format!("\"{}", "#".repeat(hashes));
        let open = prefix.len() + hashes + 1;
        return Some(
            rest[open..]
                .find(&end)
                .map_or(rest.len(), |at| open + at + end.len()),
        );
    }
    match body.chars().next()? {
        '"' => Some(prefix.len() + quoted(body, '"')),
        '\'' => {
            // A lifetime has no closing quote behind its first letter.
            let mut letters = body.chars().skip(1);
            let literal = letters.next() == Some('\\') || letters.next() == Some('\'');
            literal.then(|| prefix.len() + quoted(body, '\''))
        }
        _ => None,
    }
}

/// Length of a block comment; they nest.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let (step, change) = match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (2, 1),
            [b'*', b'/', ..] => (2, -1),
            _ => (1, 0),
        };
        at += step;
        depth += change;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// Length of a literal between two `quote`s.
fn quoted(body: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, letter) in body.char_indices().skip(1) {
        if !escaped && letter == quote {
            return at + 1;
        }
        escaped = !escaped && letter == '\\';
    }
    body.len()
}

/// Leaves out all items behind `#[cfg(test)]`; names the modules among them that
/// lie in files of their own.
fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<String>) {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let (mut kept, mut modules, mut at) = (Vec::new(), Vec::new(), 0);
    while at < tokens.len() {
        if !(0..MARK.len()).all(|i| text(at + i) == MARK[i]) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        at += MARK.len();
        while text(at) == "#" {
            at = after_brackets(tokens, at + 1);
        }
        let start = at;
        while at < tokens.len() && !matches!(text(at), ";" | "{") {
            at = after_brackets(tokens, at);
        }
        at = after_brackets(tokens, at);
        if text(at - 1) == ";" && at >= start + 3 && text(at - 3) == "mod" {
            modules.push(text(at - 2).to_owned());
        }
    }
    (kept, modules)
}

/// The place behind the token at `at`, or behind the bracket that it opens.
fn after_brackets(tokens: &[Token], mut at: usize) -> usize {
    let mut depth = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth <= 0 {
            break;
        }
    }
    at
}

/// All paths, use trees taken apart.
fn paths(tokens: &[Token]) -> Vec<Named> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        if is_name(&tokens[at]) && !goes_on(tokens, at) {
            at = tree(tokens, at, &[], &mut found);
        } else {
            at += 1;
        }
    }
    found
}

/// Whether the word at `at` goes on with a path that began before, as `new` in
/// `Vec::<u8>::new` does. A path may also begin with `::`.
fn goes_on(tokens: &[Token], at: usize) -> bool {
    let [.., before, sign] = &tokens[..at] else {
        return false;
    };
    sign.text == "::" && (is_name(before) || before.text == ">")
}

fn is_name(token: &Token) -> bool {
    // Words behind which a path may begin with `::`.
    const KEYWORDS: [&str; 7] = ["use", "as", "dyn", "impl", "in", "mut", "return"];
    if KEYWORDS.contains(&token.text.as_str()) {
        return false;
    }
    let first = token.text.chars().next();
    first.is_some_and(|letter| letter.is_alphabetic() || letter == '_')
}

/// Reads the path or use tree at `at`; returns the place behind it.
fn tree(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<Named>) -> usize {
    let mut segments = prefix.to_vec();
    let line = tokens[at].line;
    while let Some(token) = tokens.get(at) {
        if token.text == "{" {
            return group(tokens, at + 1, &segments, found);
        }
        if !is_name(token) && token.text != "*" {
            break;
        }
        segments.push(token.text.clone());
        at += 1;
        if tokens.get(at).is_none_or(|next| next.text != "::") {
            break;
        }
        at += 1;
    }
    found.push(Named { line, segments });
    at
}

/// Reads the members of a use tree; returns the place behind its `}`.
fn group(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<Named>) -> usize {
    while let Some(token) = tokens.get(at) {
        if token.text == "}" {
            return at + 1;
        }
        if is_name(token) || token.text == "*" {
            at = tree(tokens, at, prefix, found);
            // A new name behind `as`.
            while tokens
                .get(at)
                .is_some_and(|next| !matches!(next.text.as_str(), "," | "}"))
            {
                at += 1;
            }
        } else {
            at += 1;
        }
    }
    at
}

/// A path from the crate's root, if it begins at `self`, `super` or the crate itself.
fn resolve(segments: &[String], module: &[String]) -> Vec<String> {
    let absolute = |base: &[String], rest: &[String]| {
        let root = std::iter::once("crate".to_owned());
        root.chain(base.iter().chain(rest).cloned()).collect()
    };
    let supers = segments.iter().take_while(|name| *name == "super").count();
    match segments.first().map(String::as_str) {
        Some("crate" | "latentfield") => absolute(&[], &segments[1..]),
        Some("self") if segments.len() > 1 => absolute(module, &segments[1..]),
        Some("super") => {
            let base = module.len().saturating_sub(supers);
            absolute(&module[..base], &segments[supers..])
        }
        _ => segments.to_vec(),
    }
}
