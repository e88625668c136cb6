/**
 * How a probe ends. What that costs or earns in local health is in `LocalHealth.ts`.
 */

export type Outcome =
  /** The ping could not be sent because of ourselves, which says nothing about the member. */
  | { readonly _tag: "NotSent" }
  /** The member answered the ping itself. */
  | { readonly _tag: "Answered" }
  /**
   * An answer came after helpers were asked, theirs or a late one of the member; or only a TCP ping was answered.
   * `pinged`: our own ping was sent, and not refused by the network.
   */
  | { readonly _tag: "Relayed" | "TcpOnly"; readonly pinged: boolean }
  /** Nobody got an answer. Of the nacks that helpers owed, so many came. */
  | { readonly _tag: "NoAnswer"; readonly nacksExpected: number; readonly nacks: number }

/** Why a ping was not sent. */
export type SendFailure =
  | { readonly _tag: "NodeNameRequired" }
  | { readonly _tag: "TransportError"; readonly scope: "Local" | "Remote" }

/**
 * Whether a probe goes on when the ping could not be sent: the network may refuse us, and the member still be reachable
 * for others. Where the fault is ours the probe ends with `NotSent`.
 */
export const goesOn = (failure: SendFailure): boolean => failure._tag === "TransportError" && failure.scope === "Remote"
