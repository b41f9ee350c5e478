//! The graph of a plan in the DOT language.

use std::fmt::Write;

use super::task::Plan;

impl Plan {
    /// The graph in the DOT language: a box a task, an arrow an input, the role on it.
    #[must_use]
    pub fn to_dot(&self) -> String {
        let mut text = String::from("digraph plan {\n  rankdir = LR;\n  node [shape = box];\n");
        for task in &self.tasks {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  t{} [label = {}];", task.id, quoted(&task.label));
            for input in &task.needs {
                let role = quoted(&input.role);
                let _ = writeln!(text, "  t{} -> t{} [label = {role}];", input.task, task.id);
            }
        }
        text.push_str("}\n");
        text
    }
}

fn quoted(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn quotes_and_backslashes_are_escaped() {
        assert_eq!(quoted(r#"a"b\c"#), r#""a\"b\\c""#);
    }
}
