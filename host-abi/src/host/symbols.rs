//! `symbols`: kernel addresses and names.

use super::BpfCtxView;
use super::error::{HostResult, checked_length, checked_name};
use crate::bindings::eunomia::bpf::symbols::{Host, Symbol};
use crate::error::{Error, ErrorKind};
use crate::limits::ADDRESSES_MAX;

impl Host for BpfCtxView<'_> {
    fn resolve_kernel(&mut self, addresses: Vec<u8>) -> HostResult<Vec<Option<Symbol>>> {
        let (addresses, rest) = addresses.as_chunks::<8>();
        checked_length("resolve addresses", addresses.len(), ADDRESSES_MAX)?;
        if !rest.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "resolve addresses: their bytes are not a multiple of 8",
            )
            .into());
        }
        self.ctx.policy.resolve_symbols()?;
        let addresses: Vec<u64> = addresses
            .iter()
            .map(|bytes| u64::from_le_bytes(*bytes))
            .collect();
        let symbols = self.ctx.kernel.resolve_symbols(&addresses)?;
        Ok(symbols
            .into_iter()
            .map(|symbol| {
                symbol.map(|symbol| Symbol {
                    name: symbol.name,
                    offset: symbol.offset,
                    module: symbol.module,
                })
            })
            .collect())
    }

    fn kernel_address(&mut self, name: String) -> HostResult<Option<u64>> {
        checked_name("find a kernel symbol", &name)?;
        self.ctx.policy.resolve_symbols()?;
        Ok(self.ctx.kernel.symbol_address(&name)?)
    }
}
