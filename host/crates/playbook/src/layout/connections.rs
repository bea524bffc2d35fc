//! The file of a host's connections; no part of a playbook.

use super::bounds::TEXT;
use crate::spec::{KeySpec, Shape, TableSpec};
use Shape::{Choice, Duration, Flag, Integer, Kebab, List, Map, Size, Table, Text};

/// Connections of one host.
const CONNECTIONS_MAX: usize = 256;

/// The whole file.
pub(crate) static CONNECTIONS: TableSpec = TableSpec {
    title: "the file of connections",
    id: "connections",
    about: "Where the host's playbooks may reach out to.",
    keys: &[KeySpec::new(
        "connection",
        Map(&Kebab, &Table(&CONNECTION), CONNECTIONS_MAX),
        "{ warehouse = { kind = \"postgres\" } }",
        "Connections by name.",
    )],
};

static CONNECTION: TableSpec = TableSpec {
    title: "[connection.NAME]",
    id: "connection",
    about: "A place that playbooks of some brands may name.",
    keys: &[
        KeySpec::new(
            "kind",
            Choice(&["postgres", "mysql", "objects"]),
            "\"postgres\"",
            "What it is.",
        )
        .required(),
        KeySpec::new(
            "brands",
            List(&Text(64), 256),
            "[\"my-shop\"]",
            "Brands whose playbooks may name it.",
        )
        .required(),
        KeySpec::new("deliver", Flag, "true", "Whether results may be delivered there.")
            .default("false"),
        KeySpec::new("host", TEXT, "\"db.internal\"", "Server of a database."),
        KeySpec::new("port", Integer(1, 65_535), "5432", "Its port."),
        KeySpec::new("database", TEXT, "\"shop\"", "Database."),
        KeySpec::new("user", TEXT, "\"reader\"", "Who connects."),
        KeySpec::new(
            "password_env",
            TEXT,
            "\"SHOP_DB_PASSWORD\"",
            "Environment variable with the password.",
        ),
        KeySpec::new("password_file", TEXT, "\"/run/secrets/shop-db\"", "File with the password."),
        KeySpec::new("address", TEXT, "\"s3://exports/my-shop\"", "Place of objects."),
        KeySpec::new("endpoint", TEXT, "\"https://minio.internal:9000\"", "Server of the store."),
        KeySpec::new("region", TEXT, "\"eu-central-1\"", "Region of the bucket."),
        KeySpec::new("account", TEXT, "\"exports\"", "Account of the store."),
        KeySpec::new("account_env", TEXT, "\"AWS_ACCESS_KEY_ID\"", "Variable with the account."),
        KeySpec::new("account_file", TEXT, "\"/run/secrets/key-id\"", "File with the account."),
        KeySpec::new("secret_env", TEXT, "\"AWS_SECRET_ACCESS_KEY\"", "Variable with the secret."),
        KeySpec::new("secret_file", TEXT, "\"/run/secrets/key\"", "File with the secret."),
        KeySpec::new(
            "service_account_file",
            TEXT,
            "\"/run/secrets/google.json\"",
            "File of the Google service account.",
        ),
        KeySpec::new("tls", Choice(&["on", "off"]), "\"off\"", "Whether the way is encrypted.")
            .default("\"on\""),
        KeySpec::new("ca_file", TEXT, "\"/etc/ssl/db-ca.pem\"", "Certificates to trust instead."),
        KeySpec::new("connect_timeout", Duration, "\"10s\"", "Longest wait for a connection.")
            .default("\"10s\""),
        KeySpec::new("time", Duration, "\"30m\"", "Longest time of a source.").default("\"30m\""),
        KeySpec::new("bytes", Size, "\"16GiB\"", "Most bytes of a source.").default("\"16GiB\""),
    ],
};
