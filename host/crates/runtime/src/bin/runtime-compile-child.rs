//! Compiles one component under limits: the child process of this crate's own tests and benchmarks.

fn main() {
    let code = playbook_runtime::compile_child_main(std::env::args_os().skip(1));
    std::process::exit(code);
}
