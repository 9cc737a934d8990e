#!/bin/bash -eu
# Builds every fuzzer for ClusterFuzzLite and OSS-Fuzz, each with its corpus as seeds.
cd "$SRC/lastbyte"
cargo fuzz build -O --debug-assertions
for target in $(cargo fuzz list); do
    cp "fuzz/target/x86_64-unknown-linux-gnu/release/$target" "$OUT/"
    zip -jrq "$OUT/${target}_seed_corpus.zip" "fuzz/corpus/$target"
done
