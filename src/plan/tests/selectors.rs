//! What selectors mean.

use super::super::*;
use super::four_points;

fn selected(text: &str) -> Result<Vec<String>, PlanError> {
    let plan = four_points();
    let tasks = select(&plan, &Selector::parse_list(text)?)?;
    Ok(tasks
        .into_iter()
        .map(|id| plan.tasks[id].label.clone())
        .collect())
}

#[test]
fn selectors_mean_tasks_by_stage_and_coordinate() {
    assert_eq!(selected("train").unwrap().len(), 4);
    assert_eq!(
        selected("train[ temperature = 0.40, latent=2 ]").unwrap(),
        ["train[temperature=0.4, latent=2]"]
    );
    assert_eq!(
        selected("[temperature=0.4]").unwrap().len(),
        5,
        "a table gathers all temperatures and does not match one"
    );
    assert_eq!(
        selected("sample[latent=3]").unwrap().len(),
        2,
        "a shared task matches by any of its points"
    );
    assert_eq!(
        selected("figure; table[name=likelihood]").unwrap(),
        ["table[name=likelihood]", "figure[name=gap]"]
    );
    assert_eq!(selected("[replicate=0]").unwrap().len(), 10);
}

#[test]
fn a_selector_that_means_nothing_says_what_it_could_mean() {
    let cases = [
        (
            "trian",
            "selector `trian` names stage `trian`, expected one of: sample, train, likelihood, table, figure; did you mean `train`",
        ),
        (
            "train[temprature=0.4]",
            "selector `train[temprature=0.4]` names coordinate `temprature`, expected one of: temperature, latent, replicate, name; did you mean `temperature`",
        ),
        (
            "train[temperature=0.6]",
            "selector `train[temperature=0.6]` matches no task, expected values such as: train[temperature=0.4, latent=2]; train[temperature=0.4, latent=3]; train[temperature=0.5, latent=2]",
        ),
        (
            "zzzz",
            "selector `zzzz` names stage `zzzz`, expected one of: sample, train, likelihood, table, figure",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(selected(text).unwrap_err().to_string(), message);
    }
}

#[test]
fn a_selector_of_another_form_is_refused() {
    for text in [
        "",
        "train;",
        "train[",
        "train[x]",
        "x=1",
        "train]",
        "train[a=1] b",
    ] {
        let found = Selector::parse_list(text);
        assert!(
            matches!(found, Err(PlanError::SelectorSyntax { .. })),
            "{text}: {found:?}"
        );
    }
}
