/**
 * What a member announces about the runner of Effect Cluster in its process: the section `c` of its metadata.
 *
 * @since 0.1.0
 */
import { make as makeRunner, type Runner } from "effect/cluster/Runner"
import { make as makeAddress, type RunnerAddress } from "effect/cluster/RunnerAddress"
import * as SchemaBinary from "effect/encoding/SchemaBinary"
import * as Schema from "effect/Schema"
import * as MemberMeta from "../MemberMeta.ts"

/**
 * A ring of Effect Cluster has 128 points for each unit of weight and runner, so a weight without a bound would let one
 * member fill the memory of all.
 */
export const MAX_WEIGHT = 100

const MAX_GROUPS = 64

const Listing = Schema.Struct({
  weight: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: MAX_WEIGHT })).pipe(SchemaBinary.fieldId(1)),
  groups: Schema.Array(Schema.String).check(Schema.isMaxLength(MAX_GROUPS)).pipe(SchemaBinary.fieldId(2))
})

const Announced = Schema.Struct({
  host: Schema.String.check(Schema.isMinLength(1)).pipe(SchemaBinary.fieldId(1)),
  port: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 })).pipe(SchemaBinary.fieldId(2)),
  /** What a list of runners has of it; none before it is registered, and once it is not any more. */
  listing: Schema.optionalKey(Listing).pipe(SchemaBinary.fieldId(3))
})

const Section = Schema.Struct({ runner: Schema.optionalKey(Announced).pipe(SchemaBinary.fieldId(1)) })

export type Section = typeof Section.Type

/** What members announce of their runners. */
export const RunnerMeta = MemberMeta.make(Section, { name: "c" })

/** One text for each address. */
export const keyOf = ({ host, port }: { readonly host: string; readonly port: number }): string => `${host}:${port}`

/** Announces an address, and nothing to list. */
export const standing = ({ host, port }: RunnerAddress): Section => ({ runner: { host, port } })

/** Announces a runner to be listed. */
export const listing = ({ address: { host, port }, groups, weight }: Runner): Section => ({
  runner: { host, port, listing: { groups, weight } }
})

/** The runner to list, where there is one. */
export const runnerOf = ({ runner }: Section): Runner | undefined =>
  runner?.listing === undefined
    ? undefined
    : makeRunner({ address: makeAddress(runner.host, runner.port), ...runner.listing })
