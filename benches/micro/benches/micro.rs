//! Times every piece of work.

#![forbid(unsafe_code)]

use divan::Bencher;
use minder_micro::{WORKS, Work};

fn main() {
    divan::main();
}

/// One of them, by the place in the list.
#[divan::bench(args = WORKS.iter().map(Named))]
fn work(bencher: Bencher<'_, '_>, named: Named) {
    let work = (named.0.prepare)();
    bencher.bench_local(work);
}

/// Shown by its name.
#[derive(Clone, Copy)]
struct Named(&'static Work);

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name)
    }
}
