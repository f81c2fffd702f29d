//! Whether a CUDA build can be made and run here.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use strata_spec::DeviceChoice;

use crate::fault::Fault;

/// A CUDA toolkit's folder: `bin/nvcc`, `lib64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Toolkit {
    root: PathBuf,
    /// Where a stand-in for `nvidia-smi` lies, in a build for whatever card comes.
    any_card: Option<PathBuf>,
}

/// What a build for any card asks of it: 8.0, below which dfdx's kernels define functions that toolkit 13 has already. A later card's driver compiles the PTX further.
const OLDEST_CAPABILITY: &str = "80";

impl Toolkit {
    fn at(root: PathBuf) -> Option<Self> {
        root.join("bin/nvcc").is_file().then_some(Self { root, any_card: None })
    }

    /// The same for programs that any card may run, on a machine that need not have one: dfdx's build script asks `nvidia-smi` for the card's capability, and
    /// without a driver there is no such program, so one that answers is put into `folder`. `CUDA_COMPUTE_CAP`, which that script heeds, says another.
    pub(crate) fn for_any_card(self, folder: &Path) -> io::Result<Self> {
        let stand_in = folder.join("nvidia-smi");
        let (major, minor) = OLDEST_CAPABILITY.split_at(OLDEST_CAPABILITY.len() - 1);
        fs::write(&stand_in, format!("#!/bin/sh\nprintf 'compute_cap\\n{major}.{minor}\\n'\n"))?;
        #[cfg(unix)]
        fs::set_permissions(&stand_in, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        Ok(Self { any_card: Some(folder.to_owned()), ..self })
    }

    /// The first of: `nvcc` on PATH, the folders that CUDA's variables name, the usual place.
    pub(crate) fn find() -> Option<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        let on_path = env::split_paths(&path).filter(|folder| folder.join("nvcc").is_file());
        let of_path = on_path.filter_map(|bin| bin.parent().map(Path::to_path_buf));
        let variables = ["CUDA_PATH", "CUDA_HOME", "CUDA_ROOT", "CUDA_TOOLKIT_ROOT_DIR"];
        let named = variables.iter().filter_map(env::var_os).map(PathBuf::from);
        of_path.chain(named).chain([PathBuf::from("/usr/local/cuda")]).find_map(Self::at)
    }

    /// Whether programs can be linked with the compiler of kernels.
    pub(crate) fn has_nvrtc(&self) -> bool {
        self.root.join("include/nvrtc.h").is_file()
    }

    /// What build scripts need to find it: `nvcc` on PATH, the root by name.
    pub(crate) fn prepare_build(&self, command: &mut Command) {
        let mut folders = vec![self.root.join("bin")];
        if let Some(stand_in) = &self.any_card {
            folders.insert(0, stand_in.clone());
            if env::var_os("CUDA_COMPUTE_CAP").is_none() {
                command.env("CUDA_COMPUTE_CAP", OLDEST_CAPABILITY);
            }
        }
        command.env("PATH", prepended("PATH", &folders));
        if env::var_os("CUDA_PATH").is_none() {
            command.env("CUDA_PATH", &self.root);
        }
    }

    /// What the program needs to load its libraries.
    pub(crate) fn prepare_start(&self, command: &mut Command) {
        let folders: Vec<_> =
            ["lib64", "lib"].iter().map(|lib| self.root.join(lib)).filter(|lib| lib.is_dir()).collect();
        command.env("LD_LIBRARY_PATH", prepended("LD_LIBRARY_PATH", &folders));
    }
}

fn prepended(variable: &str, folders: &[PathBuf]) -> OsString {
    let old = env::var_os(variable).unwrap_or_default();
    let rest = env::split_paths(&old).filter(|folder| !folders.contains(folder) && !folder.as_os_str().is_empty());
    // Joining fails only for a folder that holds a separator: then the variable stays as it is.
    env::join_paths(folders.iter().cloned().chain(rest)).unwrap_or(old)
}

/// Whether the system has a GPU of NVIDIA's with its driver.
pub(crate) fn has_gpu() -> bool {
    let listed = Command::new("nvidia-smi").arg("-L").output();
    Path::new("/dev/nvidia0").exists()
        || listed.is_ok_and(|out| out.status.success() && out.stdout.starts_with(b"GPU "))
}

/// The toolkit to build with, or `None` for the CPU build.
///
/// # Errors
///
/// A card is asked for and the machine has no toolkit or no card: the user's mistake, with what to do.
pub(crate) fn choose(device: DeviceChoice) -> Result<Option<Toolkit>, Fault> {
    if device == DeviceChoice::Cpu {
        return Ok(None);
    }
    decide(device, Toolkit::find(), has_gpu())
}

fn decide(device: DeviceChoice, toolkit: Option<Toolkit>, card: bool) -> Result<Option<Toolkit>, Fault> {
    let lacking = match (&toolkit, card) {
        (Some(_), true) => return Ok(toolkit.filter(|_| device != DeviceChoice::Cpu)),
        (Some(_), false) => {
            "no card was found (nvidia-smi lists none and /dev/nvidia0 is missing): install NVIDIA's driver"
        }
        (None, true) => {
            "a card was found but no CUDA toolkit (nvcc on PATH, CUDA_PATH, CUDA_HOME, /usr/local/cuda): install one no \
             newer than the driver's CUDA release, or name its folder in CUDA_PATH"
        }
        (None, false) => {
            "neither a CUDA toolkit (nvcc on PATH, CUDA_PATH, CUDA_HOME, /usr/local/cuda) nor a card (nvidia-smi, \
             /dev/nvidia0) was found: run where both are"
        }
    };
    match device {
        DeviceChoice::Cuda(_) => Err(Fault::Mistake(format!("device {device}: {lacking}, or use --device cpu"))),
        DeviceChoice::Auto | DeviceChoice::Cpu => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_explicit_cuda_device_fails_without_a_gpu() {
        let toolkit = || Some(Toolkit { root: "t".into(), any_card: None });
        let (auto, cpu, cuda) = (DeviceChoice::Auto, DeviceChoice::Cpu, DeviceChoice::Cuda(1));
        assert_eq!(decide(auto, toolkit(), true).unwrap(), toolkit());
        assert_eq!(decide(cuda, toolkit(), true).unwrap(), toolkit());
        assert_eq!(decide(cpu, toolkit(), true).unwrap(), None);
        for (toolkit, card) in [(toolkit(), false), (None, true), (None, false)] {
            assert_eq!(decide(auto, toolkit.clone(), card).unwrap(), None);
            let fault = decide(cuda, toolkit, card).unwrap_err();
            assert_eq!(fault.exit_code(), 2);
            let message = fault.to_string();
            assert!(message.starts_with("device cuda:1: ") && message.contains("--device cpu"), "{message}");
        }
    }

    #[test]
    fn a_toolkit_is_a_folder_with_its_compiler() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Toolkit::at(folder.path().into()), None);
        fs::create_dir(folder.path().join("bin")).unwrap();
        fs::write(folder.path().join("bin/nvcc"), "").unwrap();
        assert_eq!(Toolkit::at(folder.path().into()), Some(Toolkit { root: folder.path().into(), any_card: None }));
    }

    /// What dfdx's build script reads.
    #[cfg(unix)]
    #[test]
    fn a_build_for_any_card_needs_none() {
        let folder = tempfile::tempdir().unwrap();
        let toolkit = Toolkit { root: "t".into(), any_card: None }.for_any_card(folder.path()).unwrap();
        let mut build = Command::new("sh");
        build.args(["-c", "nvidia-smi --query-gpu=compute_cap --format=csv; echo $CUDA_COMPUTE_CAP"]);
        build.env_remove("CUDA_COMPUTE_CAP");
        toolkit.prepare_build(&mut build);
        let out = String::from_utf8(build.output().unwrap().stdout).unwrap();
        let asked = env::var("CUDA_COMPUTE_CAP").unwrap_or_default();
        assert!(out == "compute_cap\n8.0\n80\n" || !asked.is_empty(), "{out}");
    }
}
