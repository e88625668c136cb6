/**
 * What the system's error codes mean for us.
 *
 * @since 0.1.0
 */
import type { BindFailed, TransportError } from "../MemberlistError.ts"

/** The system's code of an error, where it has one. */
export const codeOf = (cause: unknown): string | undefined =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : undefined

/** Why an address could not be bound. */
export const bindKind = (cause: unknown): BindFailed["kind"] => {
  switch (codeOf(cause)) {
    case "EADDRINUSE":
      return "AddressInUse"
    case "EADDRNOTAVAIL":
    case "EAFNOSUPPORT":
      return "AddressNotAvailable"
    case "EACCES":
    case "EPERM":
      return "PermissionDenied"
    default:
      return "Unknown"
  }
}

/** Why a connection could not be opened. */
export const openKind = (cause: unknown): TransportError["kind"] => {
  switch (codeOf(cause)) {
    case "ECONNREFUSED":
    case "ECONNRESET":
      return "Refused"
    case "ETIMEDOUT":
      return "Timeout"
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EHOSTDOWN":
    case "ENETDOWN":
    case "EADDRNOTAVAIL":
    case "EAFNOSUPPORT":
    case "EINVAL":
      return "Unreachable"
    default:
      return "Unknown"
  }
}

/** Why a datagram could not be sent. */
export const sendKind = (cause: unknown): TransportError["kind"] => {
  switch (codeOf(cause)) {
    case "EMSGSIZE":
      return "TooLarge"
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EHOSTDOWN":
    case "ENETDOWN":
      return "Unreachable"
    case "ECONNREFUSED":
      return "Refused"
    case "ERR_SOCKET_DGRAM_NOT_RUNNING":
      return "Closed"
    default:
      return "Unknown"
  }
}
