//! What a service is started with: the command line, over the file of the host, over the program's own values.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use playbook_app::AppError;
use playbook_model::{
    HostBrand, HostFile, HostLimits, HostLog, HostRate, HostTraces, HostTrust, LogFormat,
};
use playbook_server::{Rate, Settings, TlsFiles};
use playbook_toml::{Disk, host_file};

use crate::cli::{LogForm, ServeArgs};

/// How long requests in flight may take once the service stops.
const DRAIN: Duration = Duration::from_secs(10);
/// Memory of a brand's records, in MiB.
const RECORDS_MIB: u32 = 512;

/// What a service is started with.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) settings: Settings,
    pub(crate) drain: Duration,
    /// Folder of keys, ledgers and members, where one was named.
    pub(crate) data: Option<PathBuf>,
    /// Memory of records, for brands that do not say another one.
    pub(crate) records_bytes_max: usize,
    /// Connection to the database with the ledgers, if hosts share one.
    pub(crate) ledgers: Option<String>,
    pub(crate) brands: Vec<HostBrand>,
    pub(crate) log: HostLog,
    pub(crate) traces: HostTraces,
    /// Who may publish which plugins, where the file says so.
    pub(crate) trust: Option<HostTrust>,
}

impl Config {
    /// Reads the file, where one is named, and lays the command line over it.
    pub(crate) fn of(args: &ServeArgs) -> Result<Self> {
        let file = args.config.as_deref().map(|file| host_file(file, &Disk)).transpose();
        let file = file.map_err(|problems| AppError::Faulty(Box::new(problems)))?;
        Ok(Self::laid(args, file.unwrap_or_default()))
    }

    fn laid(args: &ServeArgs, file: HostFile) -> Self {
        let HostFile { listen, limits, data, brands, log, traces, trust } = file;
        let mut settings = Settings::default();
        put(&mut settings.listen.address, args.listen.or(listen.address));
        let tls = args.tls_certificate.clone().zip(args.tls_key.clone()).or(listen.tls);
        settings.listen.tls = tls.map(|(certificate, key)| TlsFiles { certificate, key });
        settings.listen.plain_beyond_loopback = args.plain || listen.plain.unwrap_or(false);
        let drain = limits.drain.unwrap_or(DRAIN);
        limit(&mut settings, limits);
        let named =
            |playbook: &PathBuf| HostBrand { playbook: playbook.clone(), ..HostBrand::default() };
        let brands = match args.playbooks.as_slice() {
            [] => brands,
            playbooks => playbooks.iter().map(named).collect(),
        };
        let of_mib = |mib: u32| (mib as usize) << 20;
        let brands = brands.into_iter().map(|brand| HostBrand {
            records_bytes_max: args.records.map(of_mib).or(brand.records_bytes_max),
            ..brand
        });
        Self {
            brands: brands.collect(),
            settings,
            drain,
            data: args.data.clone().or(data.folder),
            ledgers: data.ledgers,
            records_bytes_max: args
                .records
                .map(of_mib)
                .or(data.records_bytes_max)
                .unwrap_or(of_mib(RECORDS_MIB)),
            log: HostLog { format: args.log.map(format).or(log.format), ..log },
            traces,
            trust,
        }
    }

    /// How often a brand may be called, where it has a word of its own on that.
    pub(crate) fn rate(&self, brand: &HostBrand) -> Option<Rate> {
        (brand.rate != HostRate::default()).then(|| {
            let mut rate = self.settings.rates.brand.clone();
            put_rate(&mut rate, brand.rate);
            rate
        })
    }
}

fn format(form: LogForm) -> LogFormat {
    match form {
        LogForm::Text => LogFormat::Text,
        LogForm::Json => LogFormat::Json,
    }
}

/// Sets what is said.
fn put<T>(value: &mut T, said: Option<T>) {
    if let Some(said) = said {
        *value = said;
    }
}

fn put_rate(rate: &mut Rate, said: HostRate) {
    put(&mut rate.per_second, said.per_second);
    put(&mut rate.burst, said.burst);
    put(&mut rate.in_flight_max, said.in_flight_max);
}

fn limit(settings: &mut Settings, said: HostLimits) {
    let Settings { connections, bodies, rates, .. } = settings;
    put(&mut connections.open_max, said.connections_max);
    put(&mut connections.waiting_max, said.waiting_max);
    put(&mut connections.wait, said.wait);
    put(&mut connections.header_read, said.header_read);
    put(&mut connections.header_bytes_max, said.header_bytes_max);
    put(&mut connections.headers_max, said.headers_max);
    put(&mut connections.streams_max, said.streams_max);
    put(&mut connections.idle, said.idle);
    put(&mut connections.write_stall, said.answer_stall);
    put(&mut bodies.bytes_max, said.body_bytes_max);
    put(&mut bodies.stall, said.body_stall);
    put(&mut bodies.whole, said.body_time);
    put_rate(&mut rates.key, said.key);
    put_rate(&mut rates.brand, said.brand);
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use clap::Parser as _;
    use playbook_model::{HostBrand, HostFile, HostRate, LogFormat};

    use super::Config;
    use crate::cli::{Cli, Command, ServeArgs};

    fn args(line: &[&str]) -> ServeArgs {
        let line = ["playbook", "serve"].iter().chain(line);
        match Cli::try_parse_from(line).map(|cli| cli.command) {
            Ok(Command::Serve(args)) => args,
            other => panic!("{other:?}"),
        }
    }

    fn file() -> HostFile {
        let mut file = HostFile::default();
        file.listen.address = "127.0.0.1:1".parse().ok();
        file.listen.tls = Some(("a".into(), "b".into()));
        file.log.format = Some(LogFormat::Json);
        file.limits.connections_max = Some(7);
        file.limits.drain = Some(Duration::from_secs(3));
        file.limits.brand.in_flight_max = Some(5);
        file.data.folder = Some("kept".into());
        file.data.records_bytes_max = Some(1 << 20);
        file.data.ledgers = Some("shared".to_owned());
        let rate = HostRate { in_flight_max: Some(2), ..HostRate::default() };
        let playbook = PathBuf::from("a.toml");
        file.brands =
            vec![HostBrand { playbook, records_bytes_max: Some(2 << 20), rate, webhook: None }];
        file
    }

    #[test]
    fn what_nobody_says_is_the_programs_own() {
        let config = Config::laid(&args(&[]), HostFile::default());
        assert_eq!(config.settings.listen.address.to_string(), "127.0.0.1:8750");
        assert_eq!((config.records_bytes_max, config.drain), (512 << 20, Duration::from_secs(10)));
        assert!(config.brands.is_empty() && config.data.is_none());
    }

    #[test]
    fn the_file_is_taken_where_the_command_line_is_silent() {
        let config = Config::laid(&args(&[]), file());
        let settings = &config.settings;
        assert_eq!(settings.listen.address.port(), 1);
        assert_eq!((settings.connections.open_max, config.drain), (7, Duration::from_secs(3)));
        assert_eq!(config.data, Some("kept".into()));
        assert_eq!(config.ledgers.as_deref(), Some("shared"));
        assert!(settings.listen.tls.is_some());
        assert_eq!(config.log.format, Some(LogFormat::Json));
        let [brand] = config.brands.as_slice() else { panic!("{config:?}") };
        assert_eq!((config.records_bytes_max, brand.records_bytes_max), (1 << 20, Some(2 << 20)));
        let rate = config.rate(brand).expect("it has one of its own");
        assert_eq!((rate.in_flight_max, rate.burst), (2, settings.rates.brand.burst));
        assert!(config.rate(&HostBrand::default()).is_none());
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let line = ["b.toml", "--listen", "127.0.0.1:2", "--data", "there", "--records", "3"];
        let config = Config::laid(&args(&line), file());
        assert_eq!(config.settings.listen.address.port(), 2);
        assert_eq!(config.data, Some("there".into()));
        let [brand] = config.brands.as_slice() else { panic!("{config:?}") };
        assert_eq!(brand.playbook, PathBuf::from("b.toml"));
        assert_eq!((config.records_bytes_max, brand.records_bytes_max), (3 << 20, Some(3 << 20)));
        let line = ["--tls-certificate", "x", "--tls-key", "y", "--plain", "--log", "text"];
        let config = Config::laid(&args(&line), file());
        assert!(config.settings.listen.tls.is_some_and(|tls| tls.key == PathBuf::from("y")));
        assert!(config.settings.listen.plain_beyond_loopback);
        assert_eq!(config.log.format, Some(LogFormat::Text));
    }
}
