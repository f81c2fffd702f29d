//! The kernels without a GPU: compiled for the host and compared with the CPU, and compiled by NVRTC.
//!
//! They need a C++ compiler, the last one a CUDA toolkit too, so a plain `cargo test` lists them as ignored; `cargo xtask test` runs those that
//! the machine has the tools for and says which it leaves out.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use strata_dataset::{BatchContent, ImageLoader, ImageShape, Images, Order, PixelScale};
use strata_kernels::{CrossEntropy, Loss, Mirror, Mix, Targets};
use strata_rng::TorchRng;

use super::{THREADS, blocks, mask_blocks};
use crate::layer::Mask;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/card")
}

/// The first C++ compiler that says its version.
fn compiler() -> String {
    let named = std::env::var("CXX").ok().into_iter();
    let mut all = named.chain(["c++", "g++", "clang++"].map(String::from));
    let found = all.find(|name| {
        let version = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    });
    found.expect("a C++ compiler (CXX, c++, g++, clang++)")
}

/// The kernels as a program of the host.
struct Host {
    program: PathBuf,
    _folder: tempfile::TempDir,
}

impl Host {
    fn build() -> Self {
        let compiler = compiler();
        let temporary = tempfile::tempdir().unwrap();
        let program = temporary.path().join("kernels");
        // No contraction: a card's compiler may not fuse what the source does not either, and there is nothing to fuse.
        let built = Command::new(&compiler)
            .args(["-std=c++11", "-O1", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", "-o"])
            .arg(&program)
            .arg(folder().join("host.cpp"))
            .output()
            .unwrap();
        assert!(built.status.success(), "{compiler}: {}", String::from_utf8_lossy(&built.stderr));
        Self { program, _folder: temporary }
    }

    /// The values that kernel `name` writes, as bits.
    fn run(&self, name: &str, input: &[Vec<u8>]) -> Vec<u32> {
        let mut child = Command::new(&self.program)
            .arg(name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(&input.concat()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout.chunks_exact(4).map(|bits| u32::from_ne_bytes(bits.try_into().unwrap())).collect()
    }
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_ne_bytes()).collect()
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_ne_bytes()).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Every byte in every channel, unit and normalised, whole batches and the smaller last one, against the loader of the CPU's path.
#[test]
#[ignore = "needs a C++ compiler; cargo xtask test runs it"]
fn bytes_gathered_on_the_gpu_equal_the_loaders_pixels() {
    let host = Host::build();
    let odd = ImageShape { channels: 2, height: 3, width: 5 };
    for shape in [ImageShape::CIFAR, odd] {
        let (values, count) = (shape.values(), 40);
        let bytes: Vec<u8> = (0..count * values).map(|i| (i * 167 + i / 256 * 91) as u8).collect();
        let images = Arc::new(Images::new(shape, bytes, vec![0; count], 10).unwrap());
        let mean = vec![0.491_4, 0.482_2, 0.446_5][..shape.channels].to_vec();
        let deviation = vec![0.247, 0.243_5, 0.261_6][..shape.channels].to_vec();
        for scale in [PixelScale::Unit, PixelScale::Normalised { mean, deviation }] {
            let tables = scale.tables(shape.channels).unwrap();
            let all = (0..count as u32).collect();
            let loader = ImageLoader::new(
                Arc::clone(&images),
                all,
                16,
                Order::Shuffled,
                scale.transform(shape).unwrap(),
                BatchContent::Pixels,
            )
            .unwrap();
            let mut sizes = Vec::new();
            for batch in loader.pass(&mut TorchRng::new(43), 0).map(Result::unwrap) {
                let (samples, part) = (batch.indices.len() as u32, shape.plane() as u32);
                let sizes_of = [count as u32, values as u32, part, shape.channels as u32, samples, THREADS];
                let input = [
                    words(&sizes_of),
                    images.pixels().unwrap().to_vec(),
                    floats(tables.as_flattened()),
                    words(&batch.indices),
                ];
                assert!(host.run("gather", &input) == bits(&batch.pixels), "{shape:?}, {samples} samples");
                sizes.push(samples);
            }
            assert_eq!(sizes, [16, 16, 8]);
        }
    }
}

/// Counts around a block's and a thread's ends, seeds and steps that need their high words.
#[test]
#[ignore = "needs a C++ compiler; cargo xtask test runs it"]
fn dropout_masks_of_the_gpu_equal_the_cpus() {
    let host = Host::build();
    let per_block = 4 * THREADS as usize;
    for count in [1, 3, 4, 5, per_block - 1, per_block, per_block + 1, 3 * per_block + 2, 100_003] {
        for (seed, layer, step) in [(43, 0, 0), (1 << 40 | 7, 3, 5), (u64::MAX, 255, 1 << 45)] {
            let dropout = Mask { probability: 0.3, seed, layer, step };
            let mut expected = vec![1.0; count];
            dropout.apply(&mut expected);
            let (key, stream) = dropout.key();
            let wide = [count as u64, key, stream].map(u64::to_ne_bytes).concat();
            let launch = words(&[dropout.threshold(), mask_blocks(count), THREADS]);
            let mask = host.run("mask", &[wide, launch, floats(&[dropout.scale()])]);
            assert!(mask == bits(&expected), "{count} values of {dropout:?}");
        }
    }
}

/// Logits of few values, so that rows tie, some of them large, one of them NaN; as many samples as a block has threads and one more; labels as they are,
/// spread and mixed.
#[test]
#[ignore = "needs a C++ compiler; cargo xtask test runs it"]
fn losses_hits_and_gradients_of_the_gpu_equal_the_cpus() {
    let host = Host::build();
    let many = THREADS as usize + 1;
    for (samples, classes, smoothing, mixed) in
        [(1, 2, 0.0, false), (7, 10, 0.0, false), (many, 3, 0.1, false), (many, 4, 0.0, true), (7, 10, 0.2, true)]
    {
        let noise = |i: usize| ((i * 7919 + i * i / 7 * 31) % 5) as f32;
        let mut logits: Vec<f32> =
            (0..samples * classes).map(|i| noise(i) * if i % 11 == 0 { 9.0 } else { 0.5 }).collect();
        if samples == 7 {
            logits[3 * classes + 2] = f32::NAN;
        }
        let labels: Vec<u8> = (0..samples).map(|i| (i * 3 % classes) as u8).collect();
        let others: Vec<u8> = (0..samples).map(|i| (i * 7 % classes) as u8).collect();
        let shares: Vec<f32> = (0..samples).map(|i| (i % 5) as f32 / 4.0).collect();
        let mix = mixed.then_some(Mix { labels: &others, shares: &shares });
        let targets = Targets { labels: &labels, mix };
        let of_samples: Vec<f32> =
            targets.shares().flat_map(|[(first, share), (other, _)]| [first as f32, other as f32, share]).collect();
        let before: Vec<f32> = (0..samples * classes).map(noise).collect();
        let upstream = 0.75;
        let sizes = words(&[samples as u32, classes as u32, blocks(samples as u32), THREADS]);
        let input = [sizes, floats(&logits), floats(&of_samples), floats(&[smoothing, upstream]), floats(&before)];
        let written: Vec<f32> = host.run("loss", &input).into_iter().map(f32::from_bits).collect();
        let (scores, gradient) = written.split_at(2 * samples);

        let loss = CrossEntropy { label_smoothing: smoothing };
        assert_eq!((scores.len(), gradient.len()), (2 * samples, samples * classes));
        for (sample, (row, score)) in logits.chunks(classes).zip(scores.chunks(2)).enumerate() {
            let at = sample..=sample;
            let mix = mixed.then(|| Mix { labels: &others[at.clone()], shares: &shares[at.clone()] });
            let one = loss.loss(row, Targets { labels: &labels[at], mix }, classes);
            assert_eq!(score[1], one.correct as f32, "{row:?}, sample {sample}");
            let same = (f64::from(score[0]) - one.loss).abs() <= 1e-6 * one.loss.abs().max(1.0);
            assert!(same || (score[0].is_nan() && one.loss.is_nan()), "{row:?}: {}, {}", score[0], one.loss);
        }
        let mut expected = vec![0.0; samples * classes];
        loss.gradient(&logits, targets, classes, &mut expected);
        for (i, (slope, new)) in expected.iter().zip(gradient).enumerate() {
            let wanted = before[i] + upstream * slope;
            assert!((new - wanted).abs() < 1e-6 || (new.is_nan() && wanted.is_nan()), "[{i}]: {new}, {wanted}");
        }
    }
}

/// More inputs than a block has threads; places that are no mirror give what nobody can take for a result.
#[test]
#[ignore = "needs a C++ compiler; cargo xtask test runs it"]
fn views_of_the_gpu_equal_the_cpus() {
    let host = Host::build();
    let run = |places: &[f32], rows: &[f32], before: &[f32]| {
        let sizes = words(&[(rows.len() / places.len()) as u32, places.len() as u32, THREADS]);
        let written = host.run("views", &[sizes, floats(rows), floats(places), floats(before)]);
        let values: Vec<f32> = written.into_iter().map(f32::from_bits).collect();
        let (views, gradient) = values.split_at(2 * rows.len());
        (views.to_vec(), gradient.to_vec())
    };
    for (samples, inputs) in [(1, 1), (3, 7), (2, THREADS as usize + 9)] {
        let value = |i: usize| (i * 7919 % 1013) as f32 - 500.0;
        let rows: Vec<f32> = (0..samples * inputs).map(value).collect();
        let before: Vec<f32> = rows.iter().map(|x| 3.0 * x + 1.0).collect();
        let mirror = Mirror::of(
            |row| {
                row.reverse();
                if row.len() % 2 == 1 {
                    row[inputs / 2] *= -1.0;
                }
            },
            inputs,
        );
        let mirror = mirror.unwrap();
        let (views, gradient) = run(mirror.places(), &rows, &before);
        assert_eq!(views[..rows.len()], rows);
        assert_eq!(views[rows.len()..], mirror.apply(&rows));
        // The transpose of both views is their sum, the second mirrored back: twice the rows.
        let expected: Vec<f32> = before.iter().zip(&rows).map(|(before, row)| before + 2.0 * row).collect();
        assert_eq!(gradient, expected);
    }
    for places in [[2.0, 3.0, 1.0], [0.0, 2.0, 3.0], [1.0, 4.0, 3.0], [1.5, 2.0, 3.0], [-2.0, 1.0, 3.0]] {
        let (views, gradient) = run(&places, &[1.0, 2.0, 3.0], &[0.0; 3]);
        assert!(Mirror::from_places(&places).is_none());
        assert!(views[3..].iter().any(|x| x.is_nan()) && gradient.iter().any(|x| x.is_nan()), "{places:?}");
    }
}

/// A toolkit's folder: where `nvcc` is, what CUDA's variables name, the usual place.
fn toolkit() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).filter(|bin| bin.join("nvcc").is_file());
    let of_path: Vec<_> = on_path.filter_map(|bin| bin.parent().map(Path::to_path_buf)).collect();
    let variables = ["CUDA_PATH", "CUDA_HOME", "CUDA_ROOT", "CUDA_TOOLKIT_ROOT_DIR"];
    let named = variables.iter().filter_map(std::env::var_os).map(PathBuf::from);
    let mut roots = of_path.into_iter().chain(named).chain([PathBuf::from("/usr/local/cuda")]);
    let found = roots.find(|root| root.join("include/nvrtc.h").is_file());
    found.expect("a CUDA toolkit (nvcc on PATH, CUDA_PATH, CUDA_HOME, /usr/local/cuda) with NVRTC")
}

#[test]
#[ignore = "needs a CUDA toolkit and a C++ compiler; cargo xtask test runs it"]
fn nvrtc_compiles_the_kernels() {
    let (root, compiler) = (toolkit(), compiler());
    let temporary = tempfile::tempdir().unwrap();
    let program = temporary.path().join("nvrtc");
    let libraries: Vec<_> =
        ["lib64", "lib"].map(|name| root.join(name)).into_iter().filter(|lib| lib.is_dir()).collect();
    let mut build = Command::new(&compiler);
    build.args(["-std=c++11", "-o"]).arg(&program).arg(folder().join("nvrtc.cpp")).arg("-I").arg(root.join("include"));
    let folders = libraries.iter().flat_map(|lib| [OsStr::new("-L"), lib.as_os_str()]);
    let built = build.args(folders).arg("-lnvrtc").output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let run = Command::new(&program)
        .arg(folder().join("kernels.cu"))
        .env("LD_LIBRARY_PATH", std::env::join_paths(&libraries).unwrap())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && told.lines().count() > 1, "{told}{}", String::from_utf8_lossy(&run.stderr));
    eprint!("{told}");
}
