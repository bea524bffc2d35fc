//! Bounds of one plugin instance and of its calls, and of one query.

/// What an instance may use. Playbooks may lower or raise them under the host's ceiling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest component, in bytes.
    pub component_bytes_max: u64,
    /// Linear memory summed over the instance, in bytes.
    pub memory_bytes_max: u64,
    /// Linear memory of an instance that fits, in bytes.
    pub fit_memory_bytes_max: u64,
    /// Rows that a fit looks at; of a larger population those of the lowest keyed hashes.
    pub fit_rows_max: u64,
    /// Fuel of a call whatever its rows.
    pub fuel_base: u64,
    /// Fuel of a call for each row.
    pub fuel_per_row: u64,
    /// Fuel of one call of a fit whatever its rows.
    pub fit_fuel_base: u64,
    /// Fuel of one call of a fit for each row of it.
    pub fit_fuel_per_row: u64,
    /// Wall-clock backstop of a call, in milliseconds.
    pub call_ms_max: u64,
    /// Wall-clock backstop of one call of a fit, in milliseconds.
    pub fit_call_ms_max: u64,
    /// Returned data of a call for one row or of whole tables, in bytes.
    pub returned_bytes_max: u64,
    /// Log text kept of one call, in bytes.
    pub log_bytes_max: u64,
    /// Log lines of one call after which it is stopped.
    pub log_lines_max: u64,
    /// CPU of a compilation, in seconds.
    pub compile_cpu_s_max: u64,
    /// Address space of a compilation, in bytes.
    pub compile_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            component_bytes_max: 32 << 20,
            memory_bytes_max: 64 << 20,
            fit_memory_bytes_max: 256 << 20,
            fit_rows_max: 1 << 17,
            fuel_base: 50_000_000,
            fuel_per_row: 100_000,
            fit_fuel_base: 50_000_000_000,
            fit_fuel_per_row: 100_000,
            call_ms_max: 1_000,
            fit_call_ms_max: 30_000,
            returned_bytes_max: 64 << 10,
            log_bytes_max: 4 << 10,
            log_lines_max: 1_000,
            compile_cpu_s_max: 60,
            compile_bytes_max: 2 << 30,
        }
    }
}

impl Limits {
    /// Most fuel of a call over so many rows.
    #[must_use]
    pub fn call_fuel_max(&self, rows: u64) -> u64 {
        self.fuel_base.saturating_add(self.fuel_per_row.saturating_mul(rows))
    }

    /// What a host lets a playbook raise limits to, where it says nothing else.
    #[must_use]
    pub fn ceiling() -> Self {
        Self {
            component_bytes_max: 128 << 20,
            memory_bytes_max: 1 << 30,
            fit_memory_bytes_max: 2 << 30,
            fit_rows_max: 16_000_000,
            fuel_base: 10_000_000_000,
            fuel_per_row: 10_000_000,
            fit_fuel_base: 1_000_000_000_000,
            fit_fuel_per_row: 10_000_000,
            call_ms_max: 60_000,
            fit_call_ms_max: 600_000,
            returned_bytes_max: 16 << 20,
            log_bytes_max: 64 << 10,
            log_lines_max: 10_000,
            compile_cpu_s_max: 600,
            compile_bytes_max: 8 << 30,
        }
    }
}

/// What one query of a playbook may use. Playbooks may lower or raise it under the host's ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqlLimits {
    /// Wall-clock time, in milliseconds.
    pub time_ms_max: u64,
    /// Memory of what the query keeps, in bytes.
    pub memory_bytes_max: u64,
}

impl Default for SqlLimits {
    fn default() -> Self {
        Self { time_ms_max: 60_000, memory_bytes_max: 1 << 30 }
    }
}

impl SqlLimits {
    /// What a host lets a playbook raise them to.
    #[must_use]
    pub fn ceiling() -> Self {
        Self { time_ms_max: 3_600_000, memory_bytes_max: 64 << 30 }
    }
}
