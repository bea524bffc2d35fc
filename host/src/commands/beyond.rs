//! What `init` and `profile` look at behind a connection.

use anyhow::{Result, bail};
use playbook_app::Beyond;
use playbook_model::{Asked, one_line};
use playbook_toml::is_relation;

use crate::cli::BeyondArgs;

impl BeyondArgs {
    /// What is looked at for a brand; nothing where no connection is named.
    pub(crate) fn of<'a>(&'a self, brand: &'a str) -> Result<Option<Beyond<'a>>> {
        let Some(connection) = self.connection.as_deref() else { return Ok(None) };
        if self.table.is_empty() && self.query.is_empty() && self.path.is_empty() {
            bail!(
                "nothing says what is read over `{connection}`: pass --table TABLE or --query SQL of a database, \
                 --path PATH of an object store"
            );
        }
        let tables = self.table.iter().map(|name| relation(name));
        let queries = self.query.iter().map(|sql| Ok(Asked::Query(sql.clone())));
        let asked = tables.chain(queries).collect::<Result<_>>()?;
        Ok(Some(Beyond { connection, brand, asked, paths: &self.path }))
    }
}

fn relation(name: &str) -> Result<Asked> {
    if !is_relation(name) {
        bail!(
            "`{}` names no table: write its schema before a dot, as shop.orders, or pass --query SQL",
            one_line(name)
        );
    }
    Ok(Asked::Relation(name.to_owned()))
}
