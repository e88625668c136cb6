/**
 * What a node found when it started: the services beside its configuration are optional, and one that was provided in
 * the wrong place looks like one that was not provided at all.
 *
 * @since 0.1.0
 */
import * as Address from "../../base/Address.ts"
import { json } from "../../base/PlainText.ts"
import type { Delegate } from "../../Delegate.ts"
import type { Node } from "../Node.ts"
import * as Sender from "../sending/Sender.ts"

/** Where the keys come from: a `Keyring` that was provided, the configuration's `secretKey`, both, or nowhere. */
export type KeysFrom = "none" | "provided" | "secretKey" | "provided and secretKey"

/** What a node found when it started. */
export interface NodeInfo {
  readonly name: string
  /**
   * The hooks of the `Delegate` in force. None when none was provided *below* the node's layer, with `Layer.provide`: a
   * delegate that is merged beside it is not seen.
   */
  readonly delegate: ReadonlyArray<keyof Delegate>
  readonly keyring: KeysFrom
  /** Where its `Seeds` come from, `static` for example; `none` when none were provided *below* the node's layer. */
  readonly seeds: string
  /** Whether what it sends was encrypted when it started. The ring can be changed later. */
  readonly encrypted: boolean
  /** Empty for none. */
  readonly label: string
  readonly profile: "memberlist" | "paper"
  /**
   * Where it keeps what it remembers across restarts: the file or the key of the `Snapshots` that were provided *below*
   * the node's layer. Empty: it remembers nothing.
   */
  readonly snapshot: string
  /** Where it listens, `ip:port`, with the real port. */
  readonly bound: string
  /** Where it told its peers to reach it, `ip:port`. */
  readonly advertised: string
}

const hooks = Object.keys(
  {
    admit: true,
    merge: true,
    conflict: true,
    ackPayload: true,
    pingComplete: true,
    localState: true,
    mergeRemoteState: true,
    broadcasts: true
  } satisfies { readonly [K in keyof Delegate]-?: true }
) as ReadonlyArray<keyof Delegate>

/** Returns what a node found. */
export const of = (node: Node, keyring: KeysFrom): NodeInfo => {
  const { addr, port } = node.transport.advertised
  return {
    name: node.name,
    delegate: hooks.filter((hook) => node.delegate[hook] !== undefined),
    keyring,
    seeds: node.seedSource?.source ?? "none",
    encrypted: Sender.encrypts(node),
    label: node.config.label,
    profile: node.config.profile,
    snapshot: node.memory.place,
    bound: Address.format(node.transport.bound),
    advertised: Address.format({ ip: Address.ipText(addr) ?? "", port })
  }
}

/** Returns it in words, for the log. */
export const text = ({ bound, delegate, encrypted, keyring, label, profile, seeds, snapshot }: NodeInfo): string =>
  [
    encrypted ? "encrypted" : "in clear",
    `keys: ${keyring}`,
    `seeds: ${seeds}`,
    `hooks: ${delegate.length === 0 ? "none" : delegate.join(", ")}`,
    `label: ${label === "" ? "none" : json(label)}`,
    `profile: ${profile}`,
    `snapshot: ${snapshot === "" ? "none" : json(snapshot)}`,
    `bound: ${bound}`
  ].join("; ")
