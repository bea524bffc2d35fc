//! The file of a host that serves; no part of a playbook.

use super::bounds::{SHARE, TEXT};
use crate::spec::{KeySpec, Shape, TableSpec};
use Shape::{Address, Choice, Duration, Flag, Integer, Kebab, List, Size, Table};

/// Brands that one file may name.
const BRANDS_MAX: usize = 10_000;
/// Connections, headers, streams and requests at most: far beyond what one process can hold.
const MANY: i64 = 1_000_000;

/// The whole file.
pub(crate) static HOST: TableSpec = TableSpec {
    title: "the file of the host",
    id: "host",
    about: "What one host serves, and within which bounds.",
    keys: &[
        KeySpec::new(
            "listen",
            Table(&LISTEN),
            "{ address = \"127.0.0.1:8750\" }",
            "Where it listens.",
        ),
        KeySpec::new(
            "limits",
            Table(&LIMITS),
            "{ connections = 4096 }",
            "Bounds of what clients may do.",
        ),
        KeySpec::new("data", Table(&DATA), "{ folder = \"data\" }", "What is kept, and where."),
        KeySpec::new(
            "brand",
            List(&Table(&BRAND), BRANDS_MAX),
            "[{ playbook = \"acme.toml\" }]",
            "Brands to serve.",
        ),
        KeySpec::new("log", Table(&LOG), "{ format = \"json\" }", "What is logged, and how."),
        KeySpec::new(
            "traces",
            Table(&TRACES),
            "{ endpoint = \"http://127.0.0.1:4318\" }",
            "Where spans go to.",
        ),
        KeySpec::new(
            "trust",
            Table(&TRUST),
            "{ unsigned = [\"value-*\"] }",
            "Who may publish which plugins; without it whatever is pinned by its digest is taken.",
        ),
    ],
};

static LISTEN: TableSpec = TableSpec {
    title: "[listen]",
    id: "listen",
    about: "Where the service listens, and how. Without TLS it listens on loopback alone, unless `plain` is true.",
    keys: &[
        KeySpec::new("address", Address, "\"0.0.0.0:8750\"", "Address and port; port 0 takes a free one.")
            .default("\"127.0.0.1:8750\""),
        KeySpec::new(
            "tls_certificate",
            TEXT,
            "\"tls/chain.pem\"",
            "File of the certificate, PEM, followed by those between it and the root.",
        ),
        KeySpec::new("tls_key", TEXT, "\"tls/key.pem\"", "File of its private key, PEM."),
        KeySpec::new(
            "plain",
            Flag,
            "true",
            "Whether plain HTTP may be spoken beyond loopback: something in front has to speak TLS then.",
        )
        .default("false"),
    ],
};

static LIMITS: TableSpec = TableSpec {
    title: "[limits]",
    id: "service_limits",
    about: "Bounds of connections, requests and bodies, and how often clients may call.",
    keys: &[
        KeySpec::new(
            "connections",
            Integer(1, MANY),
            "4096",
            "Connections that are served at once.",
        )
        .default("4096"),
        KeySpec::new(
            "connections_waiting",
            Integer(0, MANY),
            "1024",
            "Connections that wait for one of these to end; further ones are answered 503 at once.",
        )
        .default("1024"),
        KeySpec::new(
            "connection_wait",
            Duration,
            "\"2s\"",
            "How long one waits before it is answered 503.",
        )
        .default("\"2s\""),
        KeySpec::new(
            "header_time",
            Duration,
            "\"10s\"",
            "How long the headers of a request may take, and a TLS handshake.",
        )
        .default("\"10s\""),
        KeySpec::new(
            "header_bytes",
            Size,
            "\"16KiB\"",
            "Bytes of all headers of a request; at least 8KiB.",
        )
        .default("\"16KiB\""),
        KeySpec::new("headers", Integer(1, MANY), "64", "Headers of a request.").default("64"),
        KeySpec::new(
            "streams",
            Integer(1, MANY),
            "128",
            "Requests at once in one HTTP/2 connection.",
        )
        .default("128"),
        KeySpec::new(
            "idle",
            Duration,
            "\"75s\"",
            "How long a connection may stand without a request.",
        )
        .default("\"75s\""),
        KeySpec::new(
            "answer_stall",
            Duration,
            "\"30s\"",
            "How long a client may take no byte of an answer.",
        )
        .default("\"30s\""),
        KeySpec::new("body_bytes", Size, "\"1MiB\"", "Bytes of a body.").default("\"1MiB\""),
        KeySpec::new(
            "body_stall",
            Duration,
            "\"10s\"",
            "How long a client may send nothing in the middle of a body.",
        )
        .default("\"10s\""),
        KeySpec::new("body_time", Duration, "\"60s\"", "How long a whole body may take.")
            .default("\"60s\""),
        KeySpec::new(
            "drain",
            Duration,
            "\"10s\"",
            "How long requests in flight may take once the service stops.",
        )
        .default("\"10s\""),
        KeySpec::new("key", Table(&RATE), "{ per_second = 10000 }", "How often each key may call."),
        KeySpec::new(
            "brand",
            Table(&RATE),
            "{ per_second = 10000 }",
            "How often each brand may be called, over all of its keys.",
        ),
    ],
};

static RATE: TableSpec = TableSpec {
    title: "[limits.key], [limits.brand], [brand.rate]",
    id: "rate",
    about: "How often, and how much at once.",
    keys: &[
        KeySpec::new(
            "per_second",
            Integer(1, MANY),
            "10000",
            "Requests a second, in the long run.",
        )
        .default("10000"),
        KeySpec::new(
            "burst",
            Integer(1, MANY),
            "20000",
            "Requests that may come at once after a silence.",
        )
        .default("20000"),
        KeySpec::new("in_flight", Integer(1, MANY), "512", "Requests in flight.").default("512"),
    ],
};

static DATA: TableSpec = TableSpec {
    title: "[data]",
    id: "kept",
    about: "What is kept, and where.",
    keys: &[
        KeySpec::new(
            "folder",
            TEXT,
            "\"/var/lib/playbook\"",
            "Folder of keys, ledgers and members.",
        )
        .default("`serve` in the home folder"),
        KeySpec::new("records", Size, "\"512MiB\"", "Memory of members' records, for each brand.")
            .default("\"512MiB\""),
        KeySpec::new(
            "ledgers",
            Kebab,
            "\"ledgers\"",
            "Connection to the PostgreSQL database with the ledgers and members of all brands, which several hosts share.",
        )
        .default("a file for each brand"),
    ],
};

static BRAND: TableSpec = TableSpec {
    title: "[[brand]]",
    id: "served",
    about: "A brand to serve; its name stands in its playbook.",
    keys: &[
        KeySpec::new("playbook", TEXT, "\"playbooks/acme.toml\"", "File of its playbook.")
            .required(),
        KeySpec::new("records", Size, "\"2GiB\"", "Memory of its members' records.")
            .default("that of `[data]`"),
        KeySpec::new(
            "rate",
            Table(&RATE),
            "{ per_second = 500 }",
            "How often it may be called; what is not said here is that of `[limits.brand]`.",
        ),
        KeySpec::new(
            "webhook",
            Table(&WEBHOOK),
            "{ url = \"https://hooks.acme.example/effects\", secret_env = \"ACME_WEBHOOK\" }",
            "Where its effects go out to.",
        ),
    ],
};

static WEBHOOK: TableSpec = TableSpec {
    title: "[brand.webhook]",
    id: "webhook",
    about: "Where effects of a brand go out to as they are granted, signed as Standard Webhooks has it. Needs `secret_env` or `secret_file`.",
    keys: &[
        KeySpec::new(
            "url",
            TEXT,
            "\"https://hooks.acme.example/effects\"",
            "Address that each effect is posted to; `http://` only with `private = true`.",
        )
        .required(),
        KeySpec::new(
            "secret_env",
            TEXT,
            "\"ACME_WEBHOOK\"",
            "Environment variable with the secret that signs: `whsec_` and 24 to 64 bytes in base64; several sign all.",
        ),
        KeySpec::new(
            "secret_file",
            TEXT,
            "\"/run/secrets/acme-webhook\"",
            "File with the secret instead; it is read anew every ten seconds.",
        ),
        KeySpec::new("ca_file", TEXT, "\"/etc/ssl/hooks-ca.pem\"", "Certificates to trust instead."),
        KeySpec::new(
            "private",
            Flag,
            "true",
            "Whether it may lead to loopback, a private network or another address that is not public.",
        )
        .default("false"),
        KeySpec::new("timeout", Duration, "\"10s\"", "Longest time until the receiver answers.")
            .default("\"10s\""),
        KeySpec::new(
            "in_flight",
            Integer(1, 1_000),
            "8",
            "Effects on their way at once; those of one member go one by one.",
        )
        .default("8"),
        KeySpec::new(
            "give_up",
            Duration,
            "\"24h\"",
            "How long an effect is tried before it is listed as undelivered.",
        )
        .default("\"24h\""),
        KeySpec::new(
            "stages",
            List(&Kebab, 256),
            "[\"coupons\"]",
            "Stages whose effects go out.",
        )
        .default("all"),
    ],
};

static LOG: TableSpec = TableSpec {
    title: "[log]",
    id: "log",
    about: "What is logged to standard error, and how.",
    keys: &[
        KeySpec::new(
            "format",
            Choice(&["text", "json"]),
            "\"json\"",
            "An event is a line of text, or a line with a JSON object.",
        )
        .default("\"text\""),
        KeySpec::new(
            "level",
            Choice(&["error", "warn", "info", "debug", "trace"]),
            "\"info\"",
            "The least that is logged; the environment variable `PLAYBOOK_LOG` and `--verbose` win over it.",
        )
        .default("\"warn\""),
    ],
};

static TRACES: TableSpec = TableSpec {
    title: "[traces]",
    id: "traces",
    about: "Spans of requests, decisions and stages go to a collector of OpenTelemetry, as OTLP over HTTP. The environment \
            variables of OpenTelemetry win over it.",
    keys: &[
        KeySpec::new(
            "endpoint",
            TEXT,
            "\"http://127.0.0.1:4318\"",
            "Base address of the collector; spans are posted to /v1/traces below it.",
        ),
        KeySpec::new(
            "share",
            SHARE,
            "0.01",
            "Share of traces that are sent; where a caller sends `traceparent`, what the caller chose.",
        )
        .default("1.0"),
    ],
};

/// Publishers, and names and keys of one, at most.
const PUBLISHERS_MAX: usize = 1_000;

static TRUST: TableSpec = TableSpec {
    title: "[trust]",
    id: "trust",
    about: "Who may publish which plugins. Where it stands, a plugin without a signature of a key that is trusted with its name is \
            refused, by whatever way it comes; so an empty table lets in nothing.",
    keys: &[
        KeySpec::new(
            "publisher",
            List(&Table(&PUBLISHER), PUBLISHERS_MAX),
            "[{ plugins = [\"acme-*\"], keys = [\"ed25519:0011...\"] }]",
            "Publishers; a plugin may be of several, and each of their keys is enough.",
        ),
        KeySpec::new(
            "unsigned",
            List(&TEXT, PUBLISHERS_MAX),
            "[\"value-*\", \"tier-interactions\"]",
            "Names of installed plugins and component files that need no signature, for example those that you build yourself; what comes of a registry needs one all the same. `*` stands for any letters.",
        )
        .default("[]"),
    ],
};

static PUBLISHER: TableSpec = TableSpec {
    title: "[[trust.publisher]]",
    id: "publisher",
    about: "A publisher of plugins.",
    keys: &[
        KeySpec::new(
            "plugins",
            List(&TEXT, PUBLISHERS_MAX),
            "[\"acme-*\"]",
            "Names of the plugins that it may publish; `*` stands for any letters.",
        )
        .required(),
        KeySpec::new(
            "keys",
            List(&TEXT, PUBLISHERS_MAX),
            "[\"ed25519:0011...\"]",
            "Public keys that it signs with, as `playbook plugin keygen` prints them.",
        )
        .required(),
    ],
};
