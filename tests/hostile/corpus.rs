//! Small valid input of each format, from which broken input is made.

use std::io::Write;
use std::path::Path;

use super::targets::SEPARATOR;

/// A manifest that uses most keys of a sweep, with values from outside.
const RICH: &str = r#"
[experiment]
name = "rich"
replicates = 2
[model]
kind = "hopfield"
sites = 6
patterns = [[1, -1, 1, -1, 1, -1], [1, 1, 1, -1, -1, -1]]
[sampling]
samples = 1000
[vae]
prior = "mixture"
[vae.training]
epochs = 7
[sweep]
model.temperature = { start = 0.4, stop = 1.5, step = 0.1 }
model.field = { start = 0.1, stop = 10, count = 3, scale = "log" }
vae.latent = [1, 2]
vae.hidden = [[8], [16, 16]]
zip = [["vae.latent", "vae.hidden"]]
exclude = [{ "vae.latent" = 1, "model.temperature" = 0.4 }]
[analysis]
likelihood = {}
information = { partitions = ["halves", "random:3", "sites:[0, 2]"] }
models = { rivals = ["pairwise"], samples = [{ name = "a", path = "a.csv" }] }
[[plot]]
name = "p"
table = "patterns"
x = "temperature"
y = "overlap"
"#;

/// A manifest that lies over [`RICH`] and takes points from a table.
const OVER: &str = r#"
extend = "base.toml"
required-version = ">=0.1"
[experiment]
name = "over"
[[sweep.union]]
table = "trials.csv"
[[sweep.union]]
vae.training.batch = [50, 100]
[[sweep.union.when]]
if = { "vae.training.batch" = 50 }
vae.training.patience = [1, 2]
"#;

/// Its points, with what a table may have beside them.
const TRIALS: &str = "# trials\r\nvae.training.epochs, vae.activation, vae.encoder_hidden\r\n\
                      3,relu,\"[8, 8]\"\r\n\r\n# two\r\n4, tanh, [16]\r\n";

fn toml_files(folder: &Path, found: &mut Vec<Vec<u8>>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            toml_files(&path, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            found.push(std::fs::read(&path).expect("a manifest"));
        }
    }
}

/// All experiments, the examples of the pages, one with `--set`s and variables, and
/// those with a file below and a table.
pub(crate) fn manifests(root: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    toml_files(&root.join("experiments"), &mut found);
    for page in ["README.md", "docs/manifest.md", "docs/recordings.md"] {
        let text = std::fs::read_to_string(root.join(page)).expect("a page");
        let examples = text.split("```toml\n").skip(1);
        found.extend(
            examples.filter_map(|rest| Some(rest.split("```").next()?.as_bytes().to_vec())),
        );
    }
    let sets = "vae.latent=3\nsweep.model.sites=[6, 7]\nvae.hidden=[64, 64]\nmodel.patterns=2";
    let environment = "VAE__PRIOR=normal\nSAMPLING__SAMPLES=200\nTHREADS=2\nSTORE__PATH=x";
    found.push(RICH.as_bytes().to_vec());
    found.push(format!("{RICH}{SEPARATOR}{sets}{SEPARATOR}{environment}").into_bytes());
    for sets in ["", sets] {
        let parts = [OVER, sets, environment, RICH, TRIALS];
        found.push(parts.join(&SEPARATOR.to_string()).into_bytes());
    }
    found
}

/// 12 bins of 5 cells, none of them silent or always active.
fn cells() -> Vec<u8> {
    (0..60)
        .map(|index| u8::from(index % 3 == 0 || index % 7 == 1))
        .collect()
}

fn mat_element(kind: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = kind.to_le_bytes().to_vec();
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

fn mat_matrix(name: &str, class: u32, kind: u32, dimensions: &[i32], data: &[u8]) -> Vec<u8> {
    let flags: Vec<u8> = [class, 0]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect();
    let dimensions: Vec<u8> = dimensions.iter().flat_map(|it| it.to_le_bytes()).collect();
    let parts = [
        mat_element(6, &flags),
        mat_element(5, &dimensions),
        mat_element(1, name.as_bytes()),
        mat_element(kind, data),
    ];
    mat_element(14, &parts.concat())
}

/// MATLAB v5 files: bytes, doubles, compressed, of three dimensions, of two variables.
pub(crate) fn matlab() -> Vec<Vec<u8>> {
    let mut header = b"MATLAB 5.0 MAT-file".to_vec();
    header.resize(124, b' ');
    header.extend([0x00, 0x01, b'I', b'M']);
    let doubles: Vec<u8> = cells()
        .iter()
        .flat_map(|&it| f64::from(it).to_le_bytes())
        .collect();
    let bytes = mat_matrix("x", 9, 2, &[12, 5], &cells());
    let wide = mat_matrix("x", 6, 9, &[12, 5], &doubles);
    let cube = mat_matrix("cube", 9, 2, &[2, 5, 6], &cells());
    let times: Vec<u8> = [0.1, 0.5, 1.5, 2.5]
        .iter()
        .flat_map(|it: &f64| it.to_le_bytes())
        .collect();
    let units = mat_matrix("cell", 9, 2, &[4, 1], &[0, 1, 0, 2]);
    let spikes = [units, mat_matrix("time", 6, 9, &[4, 1], &times)].concat();
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&wide).expect("in memory");
    let packed = mat_element(15, &encoder.finish().expect("in memory"));
    let files = [bytes, wide, cube, spikes, packed];
    files
        .map(|elements| [header.clone(), elements].concat())
        .to_vec()
}

/// `.npy` files of both versions: bytes, doubles, flags.
pub(crate) fn npy() -> Vec<Vec<u8>> {
    let file = |description: &str, shape: &str, data: &[u8]| {
        let mut header =
            format!("{{'descr': '{description}', 'fortran_order': False, 'shape': {shape}, }}");
        while (header.len() + 11) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    };
    let doubles: Vec<u8> = cells()
        .iter()
        .flat_map(|&it| f64::from(it).to_le_bytes())
        .collect();
    let spikes: Vec<u8> = [0.0, 0.1, 1.0, 0.5, 0.0, 1.5, 2.0, 2.5]
        .iter()
        .flat_map(|it: &f64| it.to_le_bytes())
        .collect();
    vec![
        file("|u1", "(12, 5)", &cells()),
        file("<f8", "(12, 5)", &doubles),
        file("|b1", "(2, 5, 6)", &cells()),
        file("<f8", "(4, 2)", &spikes),
    ]
}

/// Delimited text: bins, and spikes with and without names.
pub(crate) fn text() -> Vec<Vec<u8>> {
    let rows: Vec<String> = cells()
        .chunks(5)
        .map(|row| row.iter().map(u8::to_string).collect::<Vec<_>>().join(","))
        .collect();
    vec![
        format!("{}\n", rows.join("\n")).into_bytes(),
        b"cell,time\n0,0.1\n1,0.5\n0,1.5\n2,2.5\n".to_vec(),
        b"# made by hand\n0 0.1\n1 0.5\n0 1.5\n2 2.5\n".to_vec(),
        b"a\tb\n1\t0\n0\t1\n".to_vec(),
    ]
}
