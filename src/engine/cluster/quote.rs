//! Words for a POSIX shell.

/// `word` so that a POSIX shell reads it as this one word, whatever is in it.
///
/// A NUL byte cannot be in a word of a command line and is left out.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let word = word.replace('\0', "").replace('\'', r"'\''");
    format!("'{word}'")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_shell_reads_back_what_was_quoted(word in "[^\0]{0,40}") {
            let script = format!("printf %s {}", quoted(&word));
            let output = Command::new("sh").args(["-c", &script]).output().unwrap();
            prop_assert_eq!(String::from_utf8(output.stdout).unwrap(), word);
        }
    }

    #[test]
    fn what_a_shell_would_run_is_a_word() {
        for hostile in [
            "$(touch x)",
            "`id`",
            "a; rm -rf b",
            "a\nb",
            "'",
            "\"$HOME\"",
            "",
        ] {
            let script = format!("printf %s {}", quoted(hostile));
            let output = Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), hostile);
        }
        assert_eq!(quoted("results/x-1.toml"), "results/x-1.toml");
    }
}
