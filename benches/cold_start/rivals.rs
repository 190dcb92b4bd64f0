//! The functions that are compared, and how they are built.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use aws_sim::Action;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The binary that is deployed.
    Ours,
    /// `lambda_runtime` alone.
    Floor,
    /// The same handler on the SDK's defaults.
    Defaults,
    /// A client of boto3 under AWS's runtime for Python.
    Boto3,
}

/// A function that can be started.
pub struct Rival {
    pub kind: Kind,
    program: PathBuf,
    arguments: Vec<String>,
    /// What it needs in its environment besides what all have.
    pub environment: Vec<(&'static str, String)>,
    /// What a deployment of it is made of, if that is one binary.
    pub size: Option<Size>,
}

/// In bytes.
pub struct Size {
    pub binary: u64,
    /// Deflated as much as possible.
    pub zip: u64,
}

pub fn all(folder: &Path, python: bool) -> Result<Vec<Rival>, String> {
    let mut rivals = vec![
        this_function(folder)?,
        compiled(Kind::Floor, folder, "benches/rivals/Cargo.toml", "floor")?,
        compiled(Kind::Defaults, folder, "benches/rivals/Cargo.toml", "sdk-defaults")?,
    ];
    if python {
        rivals.push(boto3(folder)?);
    }
    Ok(rivals)
}

/// Builds the binary that is deployed into `folder`.
pub fn this_function(folder: &Path) -> Result<Rival, String> {
    compiled(Kind::Ours, folder, "Cargo.toml", "ecs-ipv6-targets")
}

impl Rival {
    /// The same, started by a tool that watches it, such as `strace -I2 -r -o FILE`.
    pub fn under(mut self, tool: &str) -> Self {
        let mut words = tool.split_whitespace().map(str::to_owned);
        if let Some(program) = words.next() {
            let watched = std::mem::replace(&mut self.program, program.into());
            let arguments = words.chain([watched.to_string_lossy().into_owned()]);
            self.arguments = arguments.chain(self.arguments).collect();
        }
        self
    }

    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Ours => "this function",
            Kind::Floor => "`lambda_runtime` alone",
            Kind::Defaults => "this handler on the SDK's defaults",
            Kind::Boto3 => "boto3, register only",
        }
    }

    /// The calls it makes for each event.
    pub fn calls(&self) -> &'static [Action] {
        match self.kind {
            Kind::Ours | Kind::Defaults => &[Action::RegisterTargets, Action::DescribeTasks],
            Kind::Floor => &[],
            Kind::Boto3 => &[Action::RegisterTargets],
        }
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        command
    }
}

/// A package's binary, built as it is deployed. `cargo bench` has built this function too, but with
/// the features that its tests ask of the crates they share.
fn compiled(kind: Kind, folder: &Path, manifest: &str, package: &str) -> Result<Rival, String> {
    let target = folder.join("build");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--release", "--locked", "--package", package, "--bin", package]);
    build.arg("--manifest-path").arg(ours(manifest)).arg("--target-dir").arg(&target);
    run(&mut build)?;
    let program = target.join("release").join(package);
    let size = Some(Size { binary: length(&program)?, zip: zipped(&program)? });
    Ok(Rival { kind, program, arguments: Vec::new(), environment: Vec::new(), size })
}

/// A virtual environment with what requirements.txt names; made once.
fn boto3(folder: &Path) -> Result<Rival, String> {
    let source = ours("benches/rivals/boto3");
    let requirements = source.join("requirements.txt");
    let venv = folder.join("venv");
    let installed = venv.join("installed.txt");
    let wanted = fs::read(&requirements).map_err(|error| error.to_string())?;
    if fs::read(&installed).ok().as_ref() != Some(&wanted) {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
        let mut pip = Command::new(venv.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        run(pip.arg(&requirements))?;
        fs::write(&installed, wanted).map_err(|error| error.to_string())?;
    }
    let environment = vec![
        ("PYTHONPATH", source.to_string_lossy().into_owned()),
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
    ];
    Ok(Rival {
        kind: Kind::Boto3,
        program: venv.join("bin/python"),
        arguments: ["-m", "awslambdaric", "function.handler"].map(str::to_owned).into(),
        environment,
        size: None,
    })
}

/// The size in bytes of the ZIP archive in which a binary is deployed, as `bootstrap`.
fn zipped(program: &Path) -> Result<u64, String> {
    const ZIP: &str = "import sys, zipfile
zipfile.ZipFile(sys.argv[2], 'w', zipfile.ZIP_DEFLATED, compresslevel=9).write(sys.argv[1], 'bootstrap')";
    let archive = program.with_extension("zip");
    run(Command::new("python3").args(["-c", ZIP]).arg(program).arg(&archive))?;
    length(&archive)
}

fn length(file: &Path) -> Result<u64, String> {
    let length = fs::metadata(file).map(|metadata| metadata.len());
    length.map_err(|error| format!("{}: {error}", file.display()))
}

fn run(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?}: {status}")),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}

fn ours(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
