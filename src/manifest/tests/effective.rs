//! The effective model, collective states and models side by side.

use super::*;

#[test]
fn each_analysis_needs_what_it_rests_on() {
    let model = rules::of_kind("curie_weiss", "sites = 8");
    let whole = "[analysis]\nlikelihood = {}\neffective_model = {}\ncollective_states = {}\n\
                 models = {}\n";
    good(&sources(&format!("{model}{whole}")));
    let without = whole.replace("effective_model = {}\n", "");
    let problem = only(&sources(&format!("{model}{without}")));
    assert_eq!(problem.key, "analysis.collective_states");
    let without = whole.replace("likelihood = {}\n", "");
    let problems = bad(&sources(&format!("{model}{without}")));
    let keys: Vec<&str> = problems.iter().map(|problem| &*problem.key).collect();
    assert_eq!(keys, ["analysis.effective_model", "analysis.models"]);
}

#[test]
fn directors_have_no_such_models() {
    let model = rules::of_kind("maier_saupe", "sites = 8");
    for analysis in ["effective_model", "models"] {
        let text = format!("{model}[analysis]\nlikelihood = {{}}\n{analysis} = {{}}\n");
        let problem = only(&sources(&text));
        assert_eq!(problem.key, format!("analysis.{analysis}"));
    }
}

#[test]
fn a_stimulus_belongs_to_a_recording() {
    let analysis = "[analysis]\nlikelihood = {}\nmodels = { rivals = [\"stimulus\"] }\n";
    let model = rules::of_kind("curie_weiss", "sites = 8");
    let problem = only(&sources(&format!("{model}{analysis}")));
    assert_eq!(problem.key, "analysis.models.rivals");
    let recording = "[experiment]\nname = \"r\"\n[recording]\npath = \"a.csv\"\nrepeats = 4\n";
    let manifest = good(&sources(&format!("{recording}{analysis}")));
    let models = manifest.points[0].analysis.models.as_ref().unwrap();
    assert_eq!(models.rivals, [Rival::Stimulus]);
    let names: Vec<&str> = models.rivals.iter().map(|rival| rival.name()).collect();
    assert_eq!(names, ["stimulus"]);
}

#[test]
fn files_of_samples_count_from_the_manifest() {
    let model = rules::of_kind("curie_weiss", "sites = 8");
    let rest = "[analysis]\nlikelihood = {}\n[[analysis.models.samples]]\nname = \"others\"\n\
                path = \"fits/a.csv\"\n";
    let manifest = good(&sources(&format!("{model}{rest}")));
    let models = manifest.points[0].analysis.models.as_ref().unwrap();
    assert!(models.samples[0].path.ends_with("fits/a.csv"));
    assert!(models.samples[0].path.is_absolute());
    // All models but the stimulus, which no model has.
    assert_eq!(models.rivals.len(), 6);
}
