//! The command line: what may be typed, and the help for it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use playbook_report::Lang;
use playbook_runtime::Metering;

/// Run operations playbooks for customer communities
#[derive(Debug, Parser)]
#[command(name = "playbook", version, max_term_width = 100, propagate_version = true)]
pub(crate) struct Cli {
    /// Folder of installed plugins, compiled code, keys and default state [env: PLAYBOOK_HOME]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Everywhere")]
    pub(crate) home: Option<PathBuf>,
    /// File of connections that playbooks may name [default: connections.toml in the home folder]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Everywhere")]
    pub(crate) connections: Option<PathBuf>,
    /// When to use colour and progress bars
    #[arg(long, global = true, value_enum, default_value = "auto", help_heading = "Everywhere")]
    pub(crate) color: When,
    /// Tell more of what happens; twice: everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Everywhere")]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LangArg {
    /// English
    En,
    /// Chinese
    Zh,
}

impl LangArg {
    pub(crate) fn lang(self) -> Lang {
        match self {
            Self::En => Lang::En,
            Self::Zh => Lang::Zh,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Set everything up and run a ready-made playbook on a sample community
    Demo(DemoArgs),
    /// Show what the host sees of data files: format, columns, what their values seem to be
    Profile(ProfileArgs),
    /// Make a first playbook of a folder of exports, or of what a connection gives
    Init(InitArgs),
    /// Check a playbook: every problem at once, with its place and a hint
    Check(CheckArgs),
    /// Run one cycle of a playbook over its data
    Run(RunArgs),
    /// Run a finished run again and say which bytes differ
    Replay(ReplayArgs),
    /// Deliver what a finished run has for others, once more
    Deliver(DeliverArgs),
    /// Say why a member of a finished run stands where it stands; or what a model is for and how it counts
    Explain(ExplainArgs),
    /// Show what there is to build a playbook of: presets, models, features of the catalogue
    List(ListArgs),
    /// Write a playbook for a brand on the preset of its industry
    New(NewArgs),
    /// Compare two playbooks, or one with a change, on the same data
    Diff(DiffArgs),
    /// Serve brands over HTTP: events in, decisions out, while playbooks stay live
    Serve(ServeArgs),
    /// Print the JSON Schema of playbook files, or of the file of a host
    Schema {
        /// Whose schema
        #[arg(value_enum, default_value_t = SchemaOf::Playbook)]
        of: SchemaOf,
    },
    /// Write a synthetic community with known truth
    Sample(SampleArgs),
    /// Make, build, look into, test, install, publish and compare plugins
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Look into a brand's ledger and prove it
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Back up and restore what a service keeps, take a brand's log out of it and into it
    #[command(subcommand)]
    Data(DataCommand),
    /// Print shell completions
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Compile a component under limits (the host calls itself)
    #[command(name = "__compile", hide = true, disable_help_flag = true)]
    Compile {
        /// Arguments of the compiling child
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<std::ffi::OsString>,
    },
}

impl Command {
    /// Whether what the command says on standard output is JSON.
    pub(crate) fn answers_json(&self) -> bool {
        match self {
            Self::Profile(args) => args.json,
            Self::Init(args) => args.json,
            Self::Check(args) => args.json,
            Self::Run(args) => args.cycle.json,
            Self::Diff(args) => args.cycle.json,
            Self::Replay(args) => args.json,
            Self::Deliver(args) => args.json,
            Self::Explain(args) => args.json,
            Self::List(args) => args.json,
            Self::Plugin(command) => command.answers_json(),
            Self::Ledger(command) => command.answers_json(),
            Self::Data(command) => command.answers_json(),
            Self::Schema { .. } => true,
            Self::Serve(_)
            | Self::New(_)
            | Self::Demo(_)
            | Self::Sample(_)
            | Self::Completions { .. }
            | Self::Compile { .. } => false,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Members of the sample community
    #[arg(long, default_value_t = 100_000)]
    pub(crate) members: u64,
    /// Folder of the sample and the results
    #[arg(long, value_name = "DIR", default_value = "demo-out")]
    pub(crate) out: PathBuf,
    /// Language of the report
    #[arg(long, value_enum, default_value = "en")]
    pub(crate) lang: LangArg,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Playbooks to serve, one a brand, in place of those of the file [default: that of the demo, in a checkout]
    #[arg(value_name = "PLAYBOOK")]
    pub(crate) playbooks: Vec<PathBuf>,
    /// File of the host, which says what is not said here: each option below wins over it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder of keys, ledgers and members [default: serve in the home folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:8750]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<std::net::SocketAddr>,
    /// Certificate for TLS, PEM, followed by those between it and the root
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// Private key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Listen beyond loopback without TLS: keys then cross the network in clear, so that something in front must speak TLS
    #[arg(long)]
    pub(crate) plain: bool,
    /// How the log is written to standard error [default: text]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) log: Option<LogForm>,
    /// Memory of members' records, in MiB, for each brand [default: 512]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) records: Option<u32>,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogForm {
    /// For people
    Text,
    /// For programs: an object a line
    Json,
}

/// Files that have a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SchemaOf {
    /// A playbook
    Playbook,
    /// The file of a host that serves
    Host,
}

#[derive(Debug, Args)]
pub(crate) struct ProfileArgs {
    /// Data files: delimited or whitespace-separated text, JSON lines, Parquet, packed or not; SQLite files, Excel workbooks
    #[arg(required_unless_present = "connection", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) beyond: BeyondArgs,
    /// Brand that reads over the connection
    #[arg(long, value_name = "NAME", requires = "connection")]
    pub(crate) brand: Option<String>,
    /// Leave out what a run would take in and refuse, which reads the whole of each file
    #[arg(long)]
    pub(crate) quick: bool,
    /// Print everything as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is looked at behind a connection.
#[derive(Debug, Args)]
pub(crate) struct BeyondArgs {
    /// Connection of the host that is read over, beside the files
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: Option<String>,
    /// Table or view of the database; may be given several times
    #[arg(long, value_name = "TABLE", requires = "connection")]
    pub(crate) table: Vec<String>,
    /// Query of the database; may be given several times
    #[arg(long, value_name = "SQL", requires = "connection")]
    pub(crate) query: Vec<String>,
    /// Path or pattern in the object store or on the web server; may be given several times
    #[arg(long, value_name = "PATH", requires = "connection")]
    pub(crate) path: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Folder of the exports
    #[arg(required_unless_present = "connection")]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) beyond: BeyondArgs,
    /// Brand, in lower-case words joined by hyphens; the id of the playbook too
    #[arg(long, value_name = "NAME")]
    pub(crate) brand: String,
    /// Currency of all amounts, by its ISO 4217 code [default: the one that the files name]
    #[arg(long, value_name = "CODE")]
    pub(crate) currency: Option<String>,
    /// Time zone in which times without an offset are meant, as Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    pub(crate) time_zone: Option<String>,
    /// The playbook; a file that is there is never overwritten [default: NAME.toml in the folder, or here]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Print what was taken from where as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Playbook file
    pub(crate) file: PathBuf,
    /// Print problems as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Leave out what needs the plugins themselves: settings and needs
    #[arg(long)]
    pub(crate) file_only: bool,
}

#[derive(Debug, Args, Clone)]
pub(crate) struct CycleArgs {
    /// Folder where relative data paths start [default: the playbook's folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Folder outside the data folder where sources may be read too; may be given several times
    #[arg(long, value_name = "DIR")]
    pub(crate) data_also: Vec<PathBuf>,
    /// Folder of the brand's ledger and closed cycles [default: state/BRAND in the home folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// End of the period that features describe: a date, a date with time, or RFC 3339
    #[arg(long, value_name = "TIME")]
    pub(crate) as_of: Option<String>,
    /// Threads that call plugins and read data [default: all cores]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// How plugin calls are bounded
    #[arg(long, value_enum, default_value = "fuel")]
    pub(crate) metering: MeteringArg,
    /// Language of the report
    #[arg(long, value_enum, default_value = "en")]
    pub(crate) lang: LangArg,
    /// Print the summary as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MeteringArg {
    /// Instructions, the same on every machine, and the clock as a backstop
    Fuel,
    /// The clock alone: faster
    Epoch,
}

impl MeteringArg {
    pub(crate) fn metering(self) -> Metering {
        match self {
            Self::Fuel => Metering::FuelAndEpoch,
            Self::Epoch => Metering::EpochOnly,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Playbook file
    pub(crate) file: PathBuf,
    /// Folder of the results; made anew
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Compute everything, grant nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Run a cycle that is earlier than one that is closed: caps and budgets see what was granted since
    #[arg(long)]
    pub(crate) earlier_cycle: bool,
    #[command(flatten)]
    pub(crate) changes: ChangeArgs,
    #[command(flatten)]
    pub(crate) cycle: CycleArgs,
}

/// What is other than in the playbook's file.
#[derive(Debug, Args)]
pub(crate) struct ChangeArgs {
    /// Another plugin for a stage of the playbook: a name, NAME@VERSION or a component file
    #[arg(long, value_name = "STAGE=PLUGIN")]
    pub(crate) swap: Vec<String>,
    /// Another value for a path of the playbook, as TOML: `stage.tiers.settings.numbers.active=5`
    #[arg(long, value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// Folder of a finished run
    pub(crate) run: PathBuf,
    /// Keep the outputs of the second run here
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print the differences as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DeliverArgs {
    /// Folder of a finished run
    pub(crate) run: PathBuf,
    /// Print what became of each delivery as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Folder of a finished run, with --member; or the name of a plugin or card that `playbook list` shows
    #[arg(value_name = "RUN|MODEL")]
    pub(crate) run: PathBuf,
    /// Id of the member, as in members.parquet and grants.csv
    #[arg(long, value_name = "ID")]
    pub(crate) member: Option<String>,
    /// Language of what plugins say
    #[arg(long, value_enum, default_value = "en")]
    pub(crate) lang: LangArg,
    /// Print everything as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What there is to build a playbook of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Listed {
    /// Playbooks of industries
    Presets,
    /// Plugins and cards
    Models,
    /// Features of the catalogue
    Features,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only these
    #[arg(value_enum)]
    pub(crate) what: Option<Listed>,
    /// Language of the summaries
    #[arg(long, value_enum, default_value = "en")]
    pub(crate) lang: LangArg,
    /// Print everything as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// Preset to stand on; `playbook list presets` shows them
    #[arg(long, value_name = "PRESET", default_value = "base")]
    pub(crate) industry: String,
    /// Name of the brand: lower-case words joined by hyphens
    #[arg(long, value_name = "NAME")]
    pub(crate) brand: String,
    /// ISO 4217 code of the brand's currency
    #[arg(long, default_value = "CNY")]
    pub(crate) currency: String,
    /// IANA name of the brand's time zone
    #[arg(long, value_name = "ZONE", default_value = "Asia/Shanghai")]
    pub(crate) time_zone: String,
    /// Take its data from a community that `playbook sample` wrote, to try it at once
    #[arg(long)]
    pub(crate) sample: bool,
    /// File to write [default: BRAND.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// Playbook A
    pub(crate) a: PathBuf,
    /// Playbook B; leave it out with --swap or --set
    #[arg(required_unless_present_any = ["swap", "set"], conflicts_with_all = ["swap", "set"])]
    pub(crate) b: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) changes: ChangeArgs,
    /// Write the comparison as a page
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) cycle: CycleArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SampleArgs {
    /// How many members, 1,000 to 10,000,000
    #[arg(long, default_value_t = 100_000)]
    pub(crate) members: u64,
    /// Seed: the same seed gives the same bytes
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Folder of the files
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Format of the files
    #[arg(long, value_enum, default_value = "parquet")]
    pub(crate) format: SampleFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SampleFormat {
    /// Apache Parquet
    Parquet,
    /// Comma-separated text
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindArg {
    Scoring,
    Segmentation,
    Incentive,
    Campaign,
    Roi,
    Diagnosis,
}

impl KindArg {
    pub(crate) fn kind(self) -> playbook_model::Kind {
        use playbook_model::Kind;
        match self {
            Self::Scoring => Kind::Scoring,
            Self::Segmentation => Kind::Segmentation,
            Self::Incentive => Kind::Incentive,
            Self::Campaign => Kind::Campaign,
            Self::Roi => Kind::Roi,
            Self::Diagnosis => Kind::Diagnosis,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LanguageArg {
    /// A crate
    Rust,
    /// A project of node
    Js,
    /// A project of Python
    Python,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Write a working plugin with a test
    New {
        /// Kebab-case name
        name: String,
        /// What it does in the loop
        #[arg(long, value_enum)]
        kind: KindArg,
        /// Language that it is written in
        #[arg(long, value_enum, default_value = "rust")]
        lang: LanguageArg,
        /// Folder to write into [default: NAME]
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Make components of plugins and check them against the contract
    Build {
        /// Folders of the plugins
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Install the components so that playbooks find them by name
        #[arg(long)]
        install: bool,
        /// Install even where other bytes are installed under the same name and version
        #[arg(long, requires = "install")]
        replace: bool,
        /// Print name, size and digest as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a component's description, settings, needs and imports
    Inspect {
        /// Component file, or the name of an installed plugin
        file: String,
        /// Settings to show needs and outputs for, as JSON [default: {}]
        #[arg(long, default_value = "{}")]
        settings: String,
        /// Print everything as JSON
        #[arg(long)]
        json: bool,
    },
    /// Run a plugin's native tests, then hold its component to the contract in the real sandbox
    Test(PluginTestArgs),
    /// Build, test and compare a plugin again each time one of its files changes
    Dev(PluginDevArgs),
    /// Take what a stage of a finished run was asked and answered, for tests of its plugin
    Fixture(PluginFixtureArgs),
    /// Measure plugins in the sandbox: size, compilation, start, calls, each beside its limit
    Bench(PluginBenchArgs),
    /// Say in which functions a plugin spends its time, as a flame graph for the browser
    Profile(PluginProfileArgs),
    /// Install component files so that playbooks find them by name
    Install {
        /// Component files
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Install even where other bytes are installed under the same name and version
        #[arg(long)]
        replace: bool,
    },
    /// List installed plugins
    List {
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    #[command(flatten)]
    Publish(PublishCommand),
}

/// What leads from an author over a registry to a host.
#[derive(Debug, Subcommand)]
pub(crate) enum PublishCommand {
    /// Make a key that signs plugins, and its public key beside it
    Keygen {
        /// File of the secret key; the public key stands beside it with the ending .pub
        file: PathBuf,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Push a component to a registry under its version, and sign it
    Push(PushArgs),
    /// Sign what a registry has
    Sign {
        /// Artefact with its digest, as `push` printed it: oci://HOST/REPOSITORY@sha256:...
        artefact: String,
        /// File of the secret key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Fetch a plugin of a registry, check it, and keep it so that playbooks find it without the registry
    Pull {
        /// Artefact by its digest or by its tag: oci://HOST/REPOSITORY:TAG
        artefact: String,
        /// Install it so that playbooks find it by name
        #[arg(long)]
        install: bool,
        /// Install it over another component of its name and version
        #[arg(long, requires = "install")]
        replace: bool,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Say whether this host takes a plugin, and who signed it
    Verify {
        /// Artefact, component file, or the name of an installed plugin
        plugin: String,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Search installed plugins, and those of a registry
    Search {
        /// Words that all stand in the name, kind, summary, languages or needs
        words: Vec<String>,
        /// Registry, and perhaps a folder in it, instead of installed plugins: oci://HOST[/FOLDER]
        #[arg(long, value_name = "REGISTRY")]
        registry: Option<String>,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Say what a new version of a plugin changes for playbooks, and which version it has to be
    Compare {
        /// Old version: component file, installed plugin, or artefact
        old: String,
        /// New version
        new: String,
        /// Settings under which needs and outputs are compared, as JSON
        #[arg(long, default_value = "{}")]
        settings: String,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
}

impl PublishCommand {
    fn answers_json(&self) -> bool {
        match self {
            Self::Keygen { json, .. }
            | Self::Sign { json, .. }
            | Self::Pull { json, .. }
            | Self::Verify { json, .. }
            | Self::Search { json, .. }
            | Self::Compare { json, .. } => *json,
            Self::Push(args) => args.json,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct PushArgs {
    /// Component file, or the name of an installed plugin
    pub(crate) plugin: String,
    /// Repository, without a tag: oci://HOST/REPOSITORY
    pub(crate) repository: String,
    /// File of the secret key that signs it
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Settings under which its needs are listed, and compared with those of the version before, as JSON
    #[arg(long, default_value = "{}")]
    pub(crate) settings: String,
    /// Push it although it breaks playbooks that take the version before
    #[arg(long)]
    pub(crate) breaking: bool,
    /// Take the tag of its version from other bytes that have it
    #[arg(long)]
    pub(crate) replace: bool,
    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl PluginCommand {
    fn answers_json(&self) -> bool {
        match self {
            Self::Build { json, .. } | Self::Inspect { json, .. } | Self::List { json } => *json,
            Self::Test(args) => args.json,
            Self::Bench(args) => args.json,
            Self::Profile(args) => args.json,
            Self::Publish(command) => command.answers_json(),
            Self::New { .. } | Self::Dev(_) | Self::Fixture(_) | Self::Install { .. } => false,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct PluginTestArgs {
    /// Folder of the plugin, or a component file
    pub(crate) path: PathBuf,
    /// Settings of the conformance run, as JSON [default: {}]
    #[arg(long, default_value = "{}")]
    pub(crate) settings: String,
    /// Files of questions and answers to hold the component to, as `plugin fixture` writes them
    #[arg(long, value_name = "FILE")]
    pub(crate) cases: Vec<PathBuf>,
    /// Write the checks as a JUnit report to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Print the checks, the first call and its log as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PluginDevArgs {
    /// Folder of the plugin
    pub(crate) path: PathBuf,
    /// Settings of the conformance run, as JSON [default: {}]
    #[arg(long, default_value = "{}")]
    pub(crate) settings: String,
    /// Files of questions and answers to hold each build to, as `plugin fixture` writes them
    #[arg(long, value_name = "FILE")]
    pub(crate) cases: Vec<PathBuf>,
    /// Leave out the native tests, which run once the component is tested
    #[arg(long)]
    pub(crate) no_native: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PluginProfileArgs {
    /// Folder of the plugin, which is built with the names of its functions; or a component file, or the name of an installed plugin
    pub(crate) plugin: String,
    /// Settings, as JSON [default: {}]
    #[arg(long, default_value = "{}")]
    pub(crate) settings: String,
    /// Rows of each call, or of each table
    #[arg(long, default_value_t = 4_096, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(crate) rows: u32,
    /// How long each function of its kind is asked, in seconds
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) seconds: u64,
    /// File of the flame graph [default: NAME.svg]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Print the functions as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PluginFixtureArgs {
    /// Folder of a finished run
    pub(crate) run: PathBuf,
    /// Stage of its playbook
    #[arg(long, value_name = "NAME")]
    pub(crate) stage: String,
    /// How many members, beside those that are named
    #[arg(long, default_value_t = 50)]
    pub(crate) members: usize,
    /// A member, by the id that it has in the run's results
    #[arg(long, value_name = "ID")]
    pub(crate) member: Vec<String>,
    /// File to write [default: STAGE.jsonl]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct PluginBenchArgs {
    /// Folders of crates, component files, or names of installed plugins
    #[arg(value_name = "PLUGIN", required_unless_present_any = ["all", "card"])]
    pub(crate) plugins: Vec<String>,
    /// Measure all installed plugins
    #[arg(long, conflicts_with_all = ["plugins", "card", "settings"])]
    pub(crate) all: bool,
    /// Settings of this card, by its name or file [default: of each card that the program has for a plugin, else {}]
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) card: Option<String>,
    /// Settings as JSON, instead of those of cards
    #[arg(long, value_name = "JSON", conflicts_with = "card")]
    pub(crate) settings: Option<String>,
    /// How plugin calls are bounded
    #[arg(long, value_enum, default_value = "fuel")]
    pub(crate) metering: MeteringArg,
    /// Keep what was asked and answered in this folder, in the form in which native tests keep it
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
    /// Print all figures as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Show accounts with what is allocated, reserved, spent and free
    Show {
        /// Brand
        brand: String,
        /// The brand's state folder [default: state/BRAND in the home folder]
        #[arg(long, value_name = "DIR")]
        state: Option<PathBuf>,
        /// Connection to the PostgreSQL database that hosts share, as `ledgers` in the file of the host
        #[arg(long, value_name = "NAME", conflicts_with = "state")]
        over: Option<String>,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Stop an account and all below it: nothing is granted from it until it is thawed (R03)
    Freeze(LedgerAccount),
    /// Let a frozen account grant again
    Thaw(LedgerAccount),
    /// Settle grants of a run: what was paid is spent, what was reserved beyond it is free again
    Settle(LedgerGrants),
    /// Release grants of a run: nothing was paid, all that was reserved is free again
    Release(LedgerGrants),
    /// Prove that no entry was altered and every balance is the sum of its entries
    Prove {
        /// Brand
        brand: String,
        /// The brand's state folder [default: state/BRAND in the home folder]
        #[arg(long, value_name = "DIR")]
        state: Option<PathBuf>,
        /// Connection to the PostgreSQL database that hosts share, as `ledgers` in the file of the host
        #[arg(long, value_name = "NAME", conflicts_with = "state")]
        over: Option<String>,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
}

impl LedgerCommand {
    fn answers_json(&self) -> bool {
        match self {
            Self::Show { json, .. } | Self::Prove { json, .. } => *json,
            Self::Settle(grants) | Self::Release(grants) => grants.json,
            Self::Freeze(_) | Self::Thaw(_) => false,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Back the data folder of a service up, also while it runs
    Backup {
        /// The service's data folder [default: serve in the home folder]
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Folder of the backup; an earlier one there is replaced
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a data folder of a backup, after every byte and every ledger was checked
    Restore {
        /// Folder of the backup
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
        /// The data folder to make [default: serve in the home folder]
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Give a data folder that stands there another name, and take its place
        #[arg(long)]
        replace: bool,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Write a brand's events, members and consents as Parquet, with a playbook that runs on them
    Export {
        /// Brand
        brand: String,
        /// The service's data folder [default: serve in the home folder]
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Folder to write; an earlier export there is replaced
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Take an export into a brand whose service does not run; what is there already stays
    Import {
        /// Playbook of the brand
        playbook: PathBuf,
        /// The service's data folder [default: serve in the home folder]
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Folder of the export
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
}

impl DataCommand {
    fn answers_json(&self) -> bool {
        match self {
            Self::Backup { json, .. }
            | Self::Restore { json, .. }
            | Self::Export { json, .. }
            | Self::Import { json, .. } => *json,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct LedgerGrants {
    /// Folder of the run that made the grants
    pub(crate) run: PathBuf,
    /// CSV file with a column `key`, as in grants.csv, and for settling perhaps `amount_minor`, what was paid
    /// [default: all grants of the run that are still reserved, at what is reserved]
    #[arg(long, value_name = "FILE")]
    pub(crate) grants: Option<PathBuf>,
    /// List of members whose grants of --action are meant, an id a line; `-`: standard input
    #[arg(long, value_name = "FILE", conflicts_with = "grants", requires = "action")]
    pub(crate) members: Option<PathBuf>,
    /// The list is a CSV file, and this column holds the members
    #[arg(long, value_name = "NAME", requires = "members")]
    pub(crate) column: Option<String>,
    /// Which grants of the listed members, as in grants.csv
    #[arg(long, value_name = "STAGE/ACTION", requires = "members")]
    pub(crate) action: Option<String>,
    /// Leave out listed members that do not have exactly one such open grant, instead of booking nothing
    #[arg(long, requires = "members")]
    pub(crate) skip_others: bool,
    /// The brand's state folder [default: that of the run]
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LedgerAccount {
    /// Brand
    pub(crate) brand: String,
    /// Account, as `ledger show` names it: BRAND, BRAND/PLAYBOOK, BRAND/PLAYBOOK/POOL, or one below
    pub(crate) account: String,
    /// The brand's state folder [default: state/BRAND in the home folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
}
