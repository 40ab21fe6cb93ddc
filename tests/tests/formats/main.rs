//! Tools in other projects' forms, made here from sources in the form in which they are published,
//! run by `ecli` on the real kernel, and their events checked.

mod bad_input;
mod bare;
mod bpfman;
mod bumblebee;
mod eunomia;
mod forms;
mod full_kernel;
mod gadget;
mod gadget_sources;
mod kinds;
mod metrics;
mod mutation;
mod places;
mod running;
mod slow_reader;
