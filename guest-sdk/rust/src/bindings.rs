//! The contract (`wit/`) as `wit-bindgen` turns it into Rust; everything else here is built on it.
#![allow(unsafe_code, missing_docs, unreachable_pub, clippy::all)]

wit_bindgen::generate!({
    path: "../../wit",
    // Both worlds of the contract, without those interfaces of WASI that only the standard library
    // uses: a component imports what it calls, and the handler only counts for a guest that
    // exports one.
    inline: "
        package eunomia:guest;
        world sdk {
            include eunomia:bpf/imports@0.1.0;
            import eunomia:bpf/driver@0.1.0;
            export eunomia:bpf/handler@0.1.0;
        }
    ",
    generate_all,
    pub_export_macro: true,
    export_macro_name: "export_handler",
    default_bindings_module: "eunomia_bpf::bindings",
});
