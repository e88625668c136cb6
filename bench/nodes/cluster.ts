/** Nodes of this library that only take part. */
import { serve } from "../child/Commands.ts"
import { handlers } from "./Nodes.ts"

serve(handlers)
