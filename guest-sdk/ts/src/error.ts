// The failures that a guest can expect.

import type { ErrorCode } from "eunomia:bpf/errors@0.1.0";

export type { ErrorCode };

/** A failure of a call. Programs decide on `code`; `message` is for people. */
export class BpfError extends Error {
  override readonly name = "BpfError";

  constructor(
    /** Why it failed. */
    readonly code: ErrorCode,
    message: string,
    /** The kernel's errno, 0 when no system call failed. */
    readonly errno = 0,
  ) {
    super(message);
  }
}

/** Calls the host; the record that the engine throws for an error becomes a {@link BpfError}. */
export function call<T>(operation: () => T): T {
  try {
    return operation();
  } catch (thrown) {
    throw asBpfError(thrown);
  }
}

/** What a guest has thrown, as the contract knows it. */
export function asBpfError(thrown: unknown): BpfError {
  if (thrown instanceof BpfError) return thrown;
  const payload = payloadOf(thrown);
  if (typeof payload === "object" && payload !== null && "code" in payload) {
    const { code, errno, message } = payload as { code: ErrorCode; errno: number; message: string };
    return new BpfError(code, message, errno);
  }
  if (thrown instanceof Error) return new BpfError("other", `${thrown.name}: ${thrown.message}`);
  return new BpfError("other", String(thrown));
}

/** The error value of the contract or of WASI in what the engine throws. */
export function payloadOf(thrown: unknown): unknown {
  return thrown instanceof Error && "payload" in thrown ? thrown.payload : undefined;
}
