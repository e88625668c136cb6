/**
 * The stages of this node's life in its cluster, as a state machine: what each call of the application, and the end of
 * the layer, makes of them, and what the cluster is told.
 *
 * ```
 * Unannounced --start--> Present --leave--> Left --introduce--> Returning --answered--> Present
 *                                            ^------ no join was answered ---'
 * any stage --close--> Closed
 * ```
 */

export type Stage = Unannounced | Present | Returning | Left | Closed

/** The layer is being built: nobody was told of us, ourselves included. */
export interface Unannounced {
  readonly _tag: "Unannounced"
}

/** We say that we are alive, and refute whoever says otherwise. */
export interface Present {
  readonly _tag: "Present"
}

/** After a leave, joins have announced us again, and none of them has been answered so far. */
export interface Returning {
  readonly _tag: "Returning"
  /** The joins under way, as `introduce` named them. */
  readonly joins: ReadonlyArray<number>
}

/** We said goodbye; claims about us are no longer refuted. */
export interface Left {
  readonly _tag: "Left"
}

/** The layer was released. There is no way back. */
export interface Closed {
  readonly _tag: "Closed"
}

/** What happens in a life. */
export type Call =
  | { readonly _tag: "Start" }
  /** A join is about to send our list to somebody; `byItself`: nobody asked for it, so it is no way back. */
  | { readonly _tag: "Introduce"; readonly join: number; readonly byItself?: boolean | undefined }
  /** That join's exchange ended; `answered`: the peer has our list, and we merged its own. */
  | { readonly _tag: "Settle"; readonly join: number; readonly answered: boolean }
  /** The application changes what we announce. */
  | { readonly _tag: "Update" }
  | { readonly _tag: "Leave" }
  | { readonly _tag: "Close" }

/** What a call made of a stage. */
export interface Ruling {
  readonly stage: Stage
  /** What the cluster is told. */
  readonly says: "Alive" | "Goodbye" | "Nothing"
  /** Why nothing happened. */
  readonly refused?: Refused | undefined
}

export type Refused = "Closed" | "NotParticipating" | "AlreadyLeft"

export const unannounced: Stage = { _tag: "Unannounced" }
const present: Stage = { _tag: "Present" }
const closed: Stage = { _tag: "Closed" }

/** Whether we have said goodbye, so that claims about us are not refuted. */
export const isOutside = (stage: Stage): boolean => stage._tag === "Left" || stage._tag === "Closed"

const stay = (stage: Stage, refused?: Refused): Ruling => ({ stage, says: "Nothing", refused })

const left: Ruling = { stage: { _tag: "Left" }, says: "Goodbye" }

/** Decides what a call makes of a stage. */
export const decide = (stage: Stage, call: Call): Ruling => {
  if (stage._tag === "Closed") return stay(stage, "Closed")
  switch (call._tag) {
    case "Start":
      return stage._tag === "Unannounced" ? { stage: present, says: "Alive" } : stay(stage)
    case "Introduce":
      return call.byItself === true && stage._tag !== "Present"
        ? stay(stage, "NotParticipating")
        : introduce(stage, call.join)
    case "Settle":
      return stage._tag === "Returning" ? settle(stage, call.join, call.answered) : stay(stage)
    case "Update":
      return stage._tag === "Left" ? stay(stage, "NotParticipating") : { stage, says: "Alive" }
    case "Leave":
      return stage._tag === "Left" || stage._tag === "Unannounced" ? stay(stage, "AlreadyLeft") : left
    case "Close":
      return { stage: closed, says: stage._tag === "Present" || stage._tag === "Returning" ? "Goodbye" : "Nothing" }
  }
}

const introduce = (stage: Stage, join: number): Ruling => {
  switch (stage._tag) {
    case "Left":
      return { stage: { _tag: "Returning", joins: [join] }, says: "Alive" }
    case "Returning":
      return stay({ _tag: "Returning", joins: [...stage.joins, join] })
    default:
      return stay(stage)
  }
}

/** One answer is enough to be back; without any, the end of the last join is the end of the return. */
const settle = (stage: Returning, join: number, answered: boolean): Ruling => {
  if (!stage.joins.includes(join)) return stay(stage)
  if (answered) return stay(present)
  const joins = stage.joins.filter((other) => other !== join)
  return joins.length > 0 ? stay({ _tag: "Returning", joins }) : left
}
