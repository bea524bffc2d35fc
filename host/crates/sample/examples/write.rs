//! temp
use playbook_sample::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let n: u64 = a[1].parse().unwrap();
    let format = if a.get(3).is_some_and(|f| f == "csv") {
        Format::Csv
    } else {
        Format::Parquet
    };
    let t = std::time::Instant::now();
    let s = write_sample(
        &SampleSpec {
            members: n,
            seed: 7,
            format,
            threads: None,
        },
        std::path::Path::new(&a[2]),
        &mut |_| {},
    )
    .unwrap();
    println!("{:?} {:?}", t.elapsed(), s.counts);
}
