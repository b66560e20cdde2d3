// Generated from schemas/ by npm run generate. Do not edit.
/** Every problem: schemas/problems.json. */
export const problems = {
  body_not_json: {"status":400,"title":"The body is not JSON","detail":"{reason}","retry":false},
  body_too_complex: {"status":413,"title":"The body is too complex","detail":"The body has more than {limit} {what} (setting {setting}).","retry":false},
  body_too_large: {"status":413,"title":"The body is too large","detail":"The body is larger than {limit} bytes (setting http.body_bytes_max).","retry":false},
  client_left: {"status":499,"title":"The client left","detail":"The client closed the connection before the answer; the operation was stopped.","retry":false},
  credentials_missing: {"status":401,"title":"Credentials are missing","detail":"Must login: send an Authorization header with Basic or Bearer credentials.","retry":false},
  credentials_wrong: {"status":401,"title":"Login failed","detail":"Login failed","retry":false},
  data_folder_in_use: {"status":503,"title":"The data folder is in use","detail":"The data folder {folder} is in use by process {pid}. One process at a time may open it.","retry":true},
  data_folder_newer: {"status":503,"title":"The data folder is of a newer version","detail":"The data folder {folder} has format {format}; this version knows formats up to {supported}. Use the version that wrote it, or a newer one.","retry":false},
  disk_full: {"status":507,"title":"The disk is full","detail":"The disk is full: nothing of this write was stored. Reads go on; writes work again when there is space.","retry":true},
  forbidden: {"status":403,"title":"Not authorized","detail":"This operation is not authorized due to role restrictions and/or invalid database items","retry":false},
  internal: {"status":500,"title":"Internal error","detail":"Something went wrong on our side. The log of the node has the details under id {id}.","retry":true},
  invalid_credentials: {"status":401,"title":"Invalid credentials","detail":"invalid credentials","retry":false},
  invalid_request: {"status":400,"title":"The request is not valid","detail":"{reason}","retry":false},
  media_type_not_supported: {"status":415,"title":"The media type is not supported","detail":"{reason}","retry":false},
  method_not_allowed: {"status":405,"title":"The method is not allowed","detail":"{method} is not allowed on {path}; allowed: {allowed}.","retry":false},
  operation_missing: {"status":400,"title":"No operation","detail":"Request body must include an 'operation' property.","retry":false},
  operation_unknown: {"status":400,"title":"Unknown operation","detail":"Operation '{operation}' not found{suggestion}","retry":false},
  path_unknown: {"status":404,"title":"Unknown path","detail":"Nothing is at {method} {path}. Operations are sent as POST / with an 'operation' property.","retry":false},
  statement_timeout: {"status":408,"title":"The operation took too long","detail":"The operation was stopped after {limit} ms (setting http.statement_timeout_ms).","retry":true},
  stopping: {"status":503,"title":"The node is stopping","detail":"The node is stopping; send the request again to another node or after its restart.","retry":true},
  storage_unavailable: {"status":503,"title":"The storage does not take writes","detail":"The storage failed ({reason}) and takes no more writes until the node is restarted. Reads go on where they can.","retry":false},
  token_expired: {"status":401,"title":"The token is expired","detail":"token expired","retry":false},
  token_invalid: {"status":401,"title":"The token is not valid","detail":"invalid token","retry":false},
  too_many_requests: {"status":429,"title":"Too many requests","detail":"{reason}","retry":true},
  user_inactive: {"status":401,"title":"The user is inactive","detail":"Cannot complete request: User is inactive","retry":false},
} as const satisfies Record<string, { status: number; title: string; detail: string; retry: boolean }>

export type ProblemCode = keyof typeof problems

/** The facts that fill the placeholders of a problem's detail. */
export interface ProblemFacts {
  body_not_json: { reason: string | number }
  body_too_complex: { limit: string | number; what: string | number; setting: string | number }
  body_too_large: { limit: string | number }
  client_left: Record<never, never>
  credentials_missing: Record<never, never>
  credentials_wrong: Record<never, never>
  data_folder_in_use: { folder: string | number; pid: string | number }
  data_folder_newer: { folder: string | number; format: string | number; supported: string | number }
  disk_full: Record<never, never>
  forbidden: Record<never, never>
  internal: { id: string | number }
  invalid_credentials: Record<never, never>
  invalid_request: { reason: string | number }
  media_type_not_supported: { reason: string | number }
  method_not_allowed: { method: string | number; path: string | number; allowed: string | number }
  operation_missing: Record<never, never>
  operation_unknown: { operation: string | number; suggestion: string | number }
  path_unknown: { method: string | number; path: string | number }
  statement_timeout: { limit: string | number }
  stopping: Record<never, never>
  storage_unavailable: { reason: string | number }
  token_expired: Record<never, never>
  token_invalid: Record<never, never>
  too_many_requests: { reason: string | number }
  user_inactive: Record<never, never>
}
