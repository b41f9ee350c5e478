//! A population whose theory is known, and models of it side by side.

use crate::support::Experiment;

/// Twenty-four sites in two fields that have three states: far from Hopfield's potential.
const POPULATION: &str = r#"
[experiment]
name = "trial"
seed = 20261125

[model]
kind = "generalised_hopfield"
sites = 24
fields = 2
rate = 0.25
strength = 0.9
law = "states"

[sampling]
samples = 20_000
test_samples = 8_000

[vae]
latent = 3
hidden = [32]
prior = "mixture"

[vae.training]
epochs = 12
batch = 256

[analysis]
likelihood = { importance_samples = 16, quadrature_samples = 100 }
effective_model = { most_variables = 4, bootstrap = 10, starts = 2 }
collective_states = {}
models = { rivals = ["independent", "hopfield", "generalised_hopfield"], fields = [2] }
"#;

/// One number of a table of one row.
fn number(experiment: &Experiment, table: &str, column: &str) -> f64 {
    let table = experiment.table(table);
    let values = table.numbers(column).expect("a column of the table");
    values[0].expect("a number in the only row")
}

#[test]
fn a_known_theory_is_found_again_and_hopfields_is_not_it() {
    let experiment = Experiment::new(POPULATION);
    experiment.run(&[]).with_code(0);

    // The plane of the patterns and the biases, of a network that has three latents and was
    // not told that there are two fields. The bounds are those asked of sixty sites.
    assert!(number(&experiment, "effective_model", "plane_cosine") > 0.98);
    assert!(number(&experiment, "effective_model", "bias_rmse") < 0.05);
    let model = experiment.table("effective_model");
    assert_eq!(model.integers("collective_variables").unwrap(), [2]);
    let fields = experiment.table("fields_found");
    let chosen = fields.flags("chosen").unwrap();
    assert_eq!(chosen, [false, false, true, false]);

    // Each entry lies where its error says. A pull by an error from ten resamplings follows
    // Student's t of nine degrees of freedom: its square has mean 9/7 and variance
    // 243/35 - (9/7)^2 = 5.3, so that of 72 pulls errs by 0.27; four of those.
    let sites = experiment.table("effective_sites");
    let column = |name: &str| sites.numbers(name).unwrap().to_vec();
    let (values, errors, exact) = (column("value"), column("standard_error"), column("exact"));
    let pulls: Vec<f64> = (0..sites.rows())
        .map(|row| (values[row].unwrap() - exact[row].unwrap()) / errors[row].unwrap())
        .collect();
    let square = pulls.iter().map(|pull| pull * pull).sum::<f64>() / pulls.len() as f64;
    assert!((square - 9.0 / 7.0).abs() < 4.0 * 0.27, "{square}");
    let stable = experiment.table("effective_patterns");
    assert_eq!(stable.flags("stable").unwrap(), [true, true]);

    // Hopfield's quadratic potential is worse than the free one. The errors of both gains are
    // taken as independent, which makes that of their difference too large.
    let models = experiment.table("models");
    let names = models.texts("model").unwrap();
    let gains = models.numbers("gain_nats").unwrap();
    let errors = models.numbers("gain_nats_se").unwrap();
    let row = |name: &str| names.iter().position(|it| it == name).unwrap();
    let (free, quadratic) = (row("generalised_hopfield"), row("hopfield"));
    let lead = gains[free].unwrap() - gains[quadratic].unwrap();
    let error = errors[free].unwrap().hypot(errors[quadratic].unwrap());
    assert!(lead > 3.0 * error, "{lead}, {error}");
    assert_eq!(gains[row("independent")], Some(0.0));
}

#[test]
fn samples_of_others_are_read_by_content_and_must_have_the_sites() {
    let analysis = "models = { rivals = [], samples = [{ name = \"others\", path = \"a.csv\" }] }";
    let text = POPULATION
        .replace("20_000", "500")
        .replace("8_000", "300")
        .replace("epochs = 12", "epochs = 2");
    let end = text.find("effective_model").unwrap();
    let experiment = Experiment::new(&format!("{}{analysis}\n", &text[..end]));
    let missing = experiment.call(&["plan", "manifest.toml"]).with_code(2);
    missing.saying(&["a.csv"]);
    let row = |bit: &str| format!("{}\n", vec![bit; 24].join(","));
    experiment.write("a.csv", row("0").repeat(150).as_bytes());
    experiment.run(&[]).with_code(0);
    let models = experiment.table("models");
    let names = models.texts("model").unwrap();
    assert_eq!(names, ["train", "others", "vae"]);
    // All silent: no site is ever active, so none of ten or more.
    assert_eq!(models.numbers("many_active").unwrap()[1], Some(0.0));
    assert_eq!(models.texts("origin").unwrap()[1], "samples read");

    experiment.write("a.csv", row("1").repeat(150).as_bytes());
    experiment.run(&["--expect-cached"]).with_code(1);
    experiment.write("a.csv", b"1,0\n0,1\n");
    let wrong = experiment.run(&[]).with_code(1);
    wrong.saying(&["found 2 sites, expected 24"]);
}
