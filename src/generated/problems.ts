// Generated from schemas/ by npm run generate. Do not edit.
/** Every problem: schemas/problems.json. */
export const problems = {
  account_exists: {"status":400,"title":"The account exists","detail":"An account with this user name or email address exists already.","retry":false},
  address_space_short: {"status":503,"title":"The address space is short","detail":"The setting storage.map_bytes reserves {wanted} bytes of address space, and this process may take {free} more (ulimit -v): set it lower.","retry":false},
  agreement_busy: {"status":409,"title":"Another agreement is being made","detail":"Node {node} is making an agreement with node {other}. Ask again.","retry":true},
  agreement_gone: {"status":409,"title":"The agreement is gone","detail":"Node {node} does not know of this agreement: it was started again meanwhile, or asked for another one. Ask again.","retry":true},
  agreement_stuck: {"status":502,"title":"An agreement could not be taken back","detail":"{reason} What was agreed was taken back here, but could not be on {nodes}: it is when they are in reach again; until then repeat the request, or remove_node there.","retry":true},
  api_key_invalid: {"status":401,"title":"The key is not valid","detail":"The key for programs is unknown, has ended or was dropped.","retry":false},
  attribute_unknown: {"status":400,"title":"Unknown attribute","detail":"records[{index}]: '{database}.{table}' has no attribute '{attribute}'.{suggestion}","retry":false},
  authority_exists: {"status":409,"title":"The authority exists","detail":"The folder {folder} has a certificate authority already. A new one would cut off every node that the old one signed.","retry":false},
  authority_missing: {"status":404,"title":"There is no authority","detail":"The folder {folder} has no ca.crt and ca.key. Make them with: trellis cluster-ca create.","retry":false},
  backup_damaged: {"status":400,"title":"The backup is damaged","detail":"The backup cannot be used: {reason}.","retry":false},
  backup_failed: {"status":503,"title":"The backup failed","detail":"The data could not be copied: {reason}. Nothing was made; try again.","retry":true},
  batch_too_large: {"status":413,"title":"Too many records","detail":"One operation takes at most {limit} records (setting {setting}).","retry":false},
  body_not_json: {"status":400,"title":"The body is not JSON","detail":"{reason}","retry":false},
  body_not_utf8: {"status":400,"title":"The body is not UTF-8","detail":"The body has bytes that are no UTF-8 text; nothing of it was used. Send text as UTF-8.","retry":false},
  body_too_complex: {"status":413,"title":"The body is too complex","detail":"The body has more than {limit} {what} (setting {setting}).","retry":false},
  body_too_large: {"status":413,"title":"The body is too large","detail":"The body is larger than {limit} bytes (setting http.body_bytes_max).","retry":false},
  client_left: {"status":499,"title":"The client left","detail":"The client closed the connection before the answer; the operation was stopped.","retry":false},
  clock_ahead: {"status":409,"title":"A clock is too far ahead","detail":"A change of node {node} is more than {limit} ms ahead of this node (setting clustering.clock_ahead_ms_max). Set the clocks right.","retry":false},
  clustering_off: {"status":409,"title":"Clustering is off","detail":"This node is not clustered. Set clustering.enabled (TRELLIS_CLUSTERING_ENABLED=true), clustering.secret and a node.name of its own, and start it again.","retry":false},
  column_ambiguous: {"status":400,"title":"The column is ambiguous","detail":"Several tables have a column '{column}': say {choices}.","retry":false},
  column_dropped: {"status":409,"title":"The column was dropped","detail":"The column of '{database}.{table}' was dropped before its index was whole.","retry":false},
  column_exists: {"status":400,"title":"The attribute exists","detail":"attribute '{column}' already exists in {database}.{table}","retry":false},
  column_leaving: {"status":409,"title":"The attribute is being removed","detail":"The attribute '{column}' was dropped and its values are still being removed; try again in a moment.","retry":true},
  column_needed: {"status":400,"title":"The attribute is needed","detail":"cannot drop attribute '{column}': {reason}.","retry":false},
  column_not_found: {"status":404,"title":"Unknown attribute","detail":"attribute '{column}' does not exist in {database}.{table}","retry":false},
  column_not_grouped: {"status":400,"title":"The column is not grouped by","detail":"'{column}' differs within a group: {advice}.","retry":false},
  column_unknown: {"status":400,"title":"Unknown column","detail":"There is no column '{column}' in {table}.{suggestion}","retry":false},
  condition_failed: {"status":412,"title":"The condition does not hold","detail":"records[{index}]: the stored record {key} does not fulfil the condition of 'if'. Nothing was stored.","retry":false},
  condition_malformed: {"status":400,"title":"The condition cannot be read","detail":"{reason}","retry":false},
  connections_too_many: {"status":429,"title":"Too many connections","detail":"The node has {limit} connections already (setting http.sockets_max). Close those that are idle, or try again.","retry":true},
  credentials_missing: {"status":401,"title":"Credentials are missing","detail":"Must login: send an Authorization header with Basic or Bearer credentials.","retry":false},
  credentials_wrong: {"status":401,"title":"Login failed","detail":"Login failed","retry":false},
  cursor_invalid: {"status":400,"title":"The cursor is not valid here","detail":"The cursor cannot be used: {reason}.","retry":false},
  data_folder_in_use: {"status":503,"title":"The data folder is in use","detail":"The data folder {folder} is in use by process {pid}. One process at a time may open it.","retry":true},
  data_folder_newer: {"status":503,"title":"The data folder is of a newer version","detail":"The data folder {folder} has format {format}; this version knows formats up to {supported}. Use the version that wrote it, or a newer one.","retry":false},
  data_folder_unusable: {"status":503,"title":"The data folder cannot be used","detail":"The data folder {folder} cannot be used: {reason}. Name another one with the setting data_dir.","retry":false},
  database_exists: {"status":400,"title":"The database exists","detail":"database '{database}' already exists","retry":false},
  database_not_found: {"status":404,"title":"Unknown database","detail":"database '{database}' does not exist","retry":false},
  database_reserved: {"status":403,"title":"The database is the node's own","detail":"The '{database}' database, tables and records are used internally and cannot be updated or removed.","retry":false},
  database_taken: {"status":409,"title":"The name is taken","detail":"The database name '{database}' is taken.","retry":false},
  disk_full: {"status":507,"title":"The disk is full","detail":"The disk is full: nothing of this write was stored. Reads go on; writes work again when there is space.","retry":true},
  event_column_unknown: {"status":400,"title":"Unknown column","detail":"Column '{column}' not found in table '{table}'{suggestion}","retry":false},
  events_rejected: {"status":400,"title":"Events were rejected","detail":"{count} of the events are not valid; none was inserted, because the request is atomic.","retry":false},
  file_exists: {"status":409,"title":"The file exists","detail":"There is a file '{path}' already; choose another name.","retry":false},
  file_not_found: {"status":404,"title":"There is no such file","detail":"There is no file '{path}' in the folder of the server.","retry":false},
  filter_invalid: {"status":400,"title":"The filter is not valid","detail":"The filter does not fit column '{column}': {reason}.","retry":false},
  folder_not_configured: {"status":400,"title":"No folder is configured","detail":"The server has no folder for this: set {setting} to a folder that exists.","retry":false},
  folder_not_empty: {"status":409,"title":"The folder is not empty","detail":"The folder '{folder}' is not empty; a backup is restored into a new one.","retry":false},
  forbidden: {"status":403,"title":"Not authorized","detail":"This operation is not authorized due to role restrictions and/or invalid database items","retry":false},
  headers_too_large: {"status":431,"title":"The headers are too large","detail":"The headers of a request, with its path, may have 16 KiB.","retry":false},
  idempotency_key_reused: {"status":409,"title":"The idempotency key was used","detail":"The idempotency key was used for another request within 24 hours; use a new one.","retry":false},
  input_invalid: {"status":400,"title":"The input cannot be read","detail":"{reason}","retry":false},
  internal: {"status":500,"title":"Internal error","detail":"Something went wrong on our side. The log of the node has the details under id {id}.","retry":true},
  invalid_column: {"status":400,"title":"The column is not valid","detail":"Column '{column}': {reason}.","retry":false},
  invalid_credentials: {"status":401,"title":"Invalid credentials","detail":"invalid credentials","retry":false},
  invalid_name: {"status":400,"title":"The name is not valid","detail":"{reason}","retry":false},
  invalid_permission: {"status":400,"title":"The permissions are not valid","detail":"Errors in the role permissions JSON provided","retry":false},
  invalid_request: {"status":400,"title":"The request is not valid","detail":"{reason}","retry":false},
  job_cancelled: {"status":409,"title":"The job was cancelled","detail":"The job {id} was cancelled; what it had done before stays.","retry":false},
  job_ended: {"status":409,"title":"The job has ended","detail":"The job {id} has ended already: {ended_as}.","retry":false},
  job_not_found: {"status":404,"title":"There is no such job","detail":"There is no job with the id {id} that you may see.","retry":false},
  job_result_too_large: {"status":422,"title":"The result is too large","detail":"The result is larger than {limit} bytes (setting jobs.result_bytes_max): use trim, a bucket or a filter.","retry":false},
  job_user_ended: {"status":403,"title":"The user of the job has ended","detail":"User '{user}', who started the job {id}, may no longer do it: {reason}. What the job had done before stays.","retry":false},
  key_invalid: {"status":400,"title":"The primary key is not valid","detail":"records[{index}]: {reason}","retry":false},
  key_unknown: {"status":404,"title":"Unknown key","detail":"Key '{id}' does not exist.","retry":false},
  last_super_user: {"status":409,"title":"The last super user","detail":"At least one active user must keep the super_user role.","retry":false},
  media_type_not_supported: {"status":415,"title":"The media type is not supported","detail":"{reason}","retry":false},
  mesh_certificate_wrong: {"status":503,"title":"The certificate does not fit","detail":"The certificate of clustering.tls is not valid now for node {node}, or its authority did not sign it. Sign one with: trellis cluster-ca sign {node}.","retry":false},
  mesh_configuration_refused: {"status":503,"title":"nats-server refuses the configuration","detail":"nats-server refuses the configuration of the {server}: {reason}","retry":false},
  mesh_needs_secret: {"status":400,"title":"The mesh needs a secret","detail":"A node that is not alone needs clustering.secret, the same on every node (TRELLIS_CLUSTERING_SECRET), or TLS.","retry":false},
  mesh_needs_tls: {"status":400,"title":"The mesh needs TLS","detail":"{host} is not loopback, and plain text stays on loopback. Set clustering.tls.certificate, .private_key and .certificate_authority (make them with: trellis cluster-ca).","retry":false},
  mesh_store_locked: {"status":503,"title":"The store is in use","detail":"{path} belongs to process {pid}, which is alive. Two servers on one store destroy it.","retry":true},
  method_not_allowed: {"status":405,"title":"The method is not allowed","detail":"{method} is not allowed on {path}; allowed: {allowed}.","retry":false},
  nats_server_missing: {"status":503,"title":"There is no nats-server","detail":"'{program}' is not a nats-server that runs. Clustering needs one: install the nats-server package of your distribution or an official release of the NATS project (2.10.23 or newer) and put it on PATH, or name it in clustering.nats_server.","retry":false},
  no_times: {"status":400,"title":"The table keeps no times","detail":"'{database}.{table}' has no column '{column}', by which old records would be told from later ones: delete by a condition of your own instead.","retry":false},
  node_answer_refused: {"status":502,"title":"The answer is not trusted","detail":"An answer in the name of node {node} was not signed by it. It was thrown away; the log tells more.","retry":false},
  node_busy: {"status":503,"title":"The node is busy","detail":"Node {node} has too many requests of other nodes under way.","retry":true},
  node_failed: {"status":502,"title":"The other node failed","detail":"Node {node} failed at this request; its log tells more.","retry":true},
  node_has_no_hub: {"status":400,"title":"The node has no hub","detail":"Node {node} is an edge node (clustering.leaf_only): it has a leaf and no hub. Use server leaf.","retry":false},
  node_identity_changed: {"status":409,"title":"The node is another one","detail":"Node {node} shows another key than before. If its data folder was made anew, remove_node it and add_node it again; if not, somebody else uses its name.","retry":false},
  node_is_self: {"status":400,"title":"That is this node","detail":"{node} is this node itself. Name another one.","retry":false},
  node_method_unknown: {"status":501,"title":"The other node does not know this","detail":"The other node does not know the request {method}; it may be of an older version.","retry":false},
  node_name_invalid: {"status":400,"title":"The name of the node is not valid","detail":"'{node}' is not a name of a node: 1 to 64 letters, digits, _ and -, and no - in front.","retry":false},
  node_name_taken: {"status":409,"title":"The name has another key","detail":"Node {node} knows another key under this node's name, {name}. If the data folder of {name} was made anew: remove_node {name} with everywhere on {node}, and add_node it again there; if not, choose another node.name.","retry":false},
  node_removed: {"status":403,"title":"The node was removed","detail":"Node {node} was removed from this node. add_node takes it back.","retry":false},
  node_session_unknown: {"status":503,"title":"The session is unknown","detail":"Node {node} was started again; say hello and ask again.","retry":true},
  node_silent: {"status":504,"title":"The node is silent","detail":"Node {node} did not answer within {timeout_ms} ms.","retry":true},
  node_unreachable: {"status":502,"title":"The node cannot be reached","detail":"No node {node} is in reach. Check its name (cluster_status on that node tells it), that it runs with clustering.enabled, and the routes (cluster_get_routes).","retry":true},
  not_owner: {"status":403,"title":"Not the owner","detail":"Only the owner of database '{database}' and super users may share it.","retry":false},
  not_records: {"status":400,"title":"Not a table of records","detail":"'{database}.{table}' is a table of events; this operation is for tables of records. Events are stored by insert_events and read by query_events and query_person.","retry":false},
  not_shared: {"status":404,"title":"The table is not shared","detail":"{database}.{table} is not shared between this node and {node}.","retry":false},
  operation_missing: {"status":400,"title":"No operation","detail":"Request body must include an 'operation' property.","retry":false},
  operation_unknown: {"status":400,"title":"Unknown operation","detail":"Operation '{operation}' not found{suggestion}","retry":false},
  operator_unknown: {"status":400,"title":"Unknown operator","detail":"There is no operator '{operator}'.{suggestion}","retry":false},
  origin_not_allowed: {"status":403,"title":"The page may not call","detail":"A browser sent this for a page of {origin}, without asking first whether that page may. Send JSON as application/json by POST, from an origin in http.cors_origins.","retry":false},
  outcome_unknown: {"status":503,"title":"Nobody knows whether it was stored","detail":"The storage failed ({reason}) while this was written: it may or may not have been stored. Restart the node, then look, or send the request again with the same idempotency key: it is done once.","retry":false},
  own_server_not_started: {"status":503,"title":"A server of this node did not start","detail":"The {server} server of this node did not start on port {port}; the log says why (often another program has the port: setting clustering.{server}.port). The node runs without its mesh until it is started again.","retry":false},
  own_server_silent: {"status":503,"title":"A server of this node does not answer","detail":"The {server} server of this node does not answer; it is being started again. cluster_status tells when it runs.","retry":true},
  parent_missing: {"status":409,"title":"The parent does not exist","detail":"records[{index}]: '{column}' refers to {value}, which is not in '{parent}'. Nothing was stored.","retry":false},
  partition_in_use: {"status":409,"title":"The partition is in use","detail":"Partition {partition} is being taken over, or holds people already.","retry":true},
  path_not_allowed: {"status":400,"title":"The path is not allowed","detail":"The path '{path}' is not allowed: {reason}.","retry":false},
  path_unknown: {"status":404,"title":"Unknown path","detail":"Nothing is at {method} {path}. Operations are sent as POST / with an 'operation' property.","retry":false},
  peer_unknown: {"status":404,"title":"The node is not known","detail":"Node {node} shares nothing with this node. cluster_status lists those that do.","retry":false},
  person_missing: {"status":400,"title":"No person named","detail":"A person query names the person: sid=TEXT or id=NUMBER.","retry":false},
  person_unknown: {"status":404,"title":"No such person","detail":"Person {person} could not be found in table '{table}'.","retry":false},
  primary_key_required: {"status":400,"title":"No primary key","detail":"'primary_key' is required","retry":false},
  query_cancelled: {"status":409,"title":"The query was cancelled","detail":"The query was cancelled before it was done.","retry":false},
  query_too_large: {"status":400,"title":"The query is too large","detail":"The query needs more than {limit} {what} (setting {setting}). Narrow it, or ask for pages with 'limit'.","retry":false},
  record_exists: {"status":409,"title":"The record exists","detail":"records[{index}]: a record with the key {key} exists in '{database}.{table}'. Nothing was stored.","retry":false},
  record_invalid: {"status":400,"title":"The record is not valid","detail":"records[{index}]: {reason}. Nothing was stored.","retry":false},
  record_not_found: {"status":404,"title":"Unknown record","detail":"records[{index}]: no record with the key {key} exists in '{database}.{table}'. Nothing was stored.","retry":false},
  record_referenced: {"status":409,"title":"The record is referred to","detail":"'{child}.{column}' refers to {value} of '{parent}', and its foreign key restricts the change. Nothing was stored.","retry":false},
  reference_unknown: {"status":400,"title":"The reference leads nowhere","detail":"operations[{index}]: {\"$key\": {reference}} must name an earlier operation and one of its keys, counted from 0. Nothing was stored.","retry":false},
  request_not_http: {"status":400,"title":"The request is not HTTP","detail":"The connection was closed at what is not HTTP/1.1: {reason}.","retry":false},
  request_too_slow: {"status":408,"title":"The request is too slow","detail":"The headers of a request may take {headers} ms and all of it {request} ms (settings http.headers_timeout_ms and http.request_timeout_ms).","retry":true},
  result_too_large: {"status":413,"title":"The result is too large","detail":"The result has more than {limit} characters (setting events.result_characters_max): {advice}.","retry":false},
  role_exists: {"status":409,"title":"The role exists","detail":"A role with name '{role}' already exists","retry":false},
  role_in_use: {"status":409,"title":"The role is in use","detail":"Cannot drop role {role} as it has active user(s) tied to this role","retry":false},
  role_not_found: {"status":404,"title":"Unknown role","detail":"Role not found","retry":false},
  role_unknown: {"status":404,"title":"Unknown role","detail":"{role} role not found","retry":false},
  route_loop: {"status":400,"title":"The route closes a loop","detail":"With this route node {leaf}'s leaf would reach node {hub} on two ways, and messages would go round. Leave it out: nodes whose hubs are joined reach each other already.","retry":false},
  route_to_self: {"status":400,"title":"The route leads back here","detail":"{route} is this node itself. Give the address of another node; the own leaf dials the own hub by itself.","retry":false},
  script_failed: {"status":400,"title":"The script failed","detail":"{reason}","retry":false},
  script_invalid: {"status":400,"title":"The script is not valid","detail":"{reason}","retry":false},
  script_limit: {"status":422,"title":"The script does too much","detail":"{reason}","retry":false},
  section_invalid: {"status":400,"title":"A section is not valid","detail":"Line {line}: {reason}.","retry":false},
  segment_unknown: {"status":400,"title":"No such segment","detail":"There is no segment '{segment}' of this table: create it with query_segments and a ttl.","retry":false},
  select_malformed: {"status":400,"title":"The select cannot be read","detail":"In '{part}': {reason}","retry":false},
  setting_fixed: {"status":409,"title":"The setting is fixed","detail":"Setting {setting} is set by {origin}: change it there.","retry":false},
  setting_invalid: {"status":400,"title":"The setting is not valid","detail":"{reason}","retry":false},
  share_unknown: {"status":404,"title":"Not shared","detail":"Database '{database}' is not shared with '{username}'.","retry":false},
  shared_events_refused: {"status":409,"title":"Events of another node are refused","detail":"Events of {database}.{table} that {node} has accepted are refused here: {reason}. Give this node the same limits (settings events.*).","retry":false},
  statement_timeout: {"status":408,"title":"The operation took too long","detail":"The operation was stopped after {limit} ms (setting http.statement_timeout_ms).","retry":true},
  stopping: {"status":503,"title":"The node is stopping","detail":"The node is stopping; send the request again to another node or after its restart.","retry":true},
  storage_unavailable: {"status":503,"title":"The storage does not take writes","detail":"The storage failed ({reason}) and takes no more writes until the node is restarted: nothing of this one was stored. Reads go on where they can.","retry":false},
  storage_unreadable: {"status":503,"title":"The storage cannot be read","detail":"The storage failed ({reason}): what is stored cannot be read until the node is restarted.","retry":false},
  subscriber_unknown: {"status":404,"title":"No such subscriber","detail":"Trigger '{trigger}' has no subscriber '{subscriber}'.{suggestion}","retry":false},
  subscribers_too_many: {"status":429,"title":"Too many subscribers","detail":"The trigger has {limit} subscribers already (setting triggers.subscribers_max).","retry":false},
  table_exists: {"status":400,"title":"The table exists","detail":"Table '{table}' already exists in '{database}'","retry":false},
  table_not_events: {"status":400,"title":"Not an event table","detail":"Table '{table}' of '{database}' keeps records, not events.","retry":false},
  table_not_found: {"status":404,"title":"Unknown table","detail":"Table '{database}.{table}' does not exist","retry":false},
  table_referenced: {"status":409,"title":"The table is referred to","detail":"Table '{database}.{table}' cannot be dropped: a foreign key of '{by}' refers to it.","retry":false},
  token_expired: {"status":401,"title":"The token is expired","detail":"token expired","retry":false},
  token_invalid: {"status":401,"title":"The token is not valid","detail":"invalid token","retry":false},
  too_many: {"status":400,"title":"Too many","detail":"More than {limit} {what} (setting {setting}).","retry":false},
  too_many_bad_rows: {"status":400,"title":"Too many bad rows","detail":"More than {limit} rows could not be taken (setting jobs.bad_rows_max); what was loaded before stays. The errors of the job name them.","retry":false},
  too_many_entries: {"status":409,"title":"Too many entries","detail":"There may be at most {limit} {what} (setting {setting}).","retry":false},
  too_many_hosts: {"status":400,"title":"Too many hosts","detail":"A certificate names at most {most} hosts.","retry":false},
  too_many_jobs: {"status":429,"title":"Too many jobs wait","detail":"There are {limit} jobs waiting already (setting jobs.waiting_max).","retry":true},
  too_many_requests: {"status":429,"title":"Too many requests","detail":"{reason}","retry":true},
  too_many_routes: {"status":400,"title":"Too many routes","detail":"A node has at most {most} routes.","retry":false},
  too_many_segments: {"status":400,"title":"Too many segments","detail":"The table has {limit} stored segments (setting events.segments_max): drop some.","retry":false},
  too_many_sign_ins: {"status":429,"title":"Too many failed sign-ins","detail":"Too many failed sign-ins: try again in {seconds} seconds.","retry":true},
  trigger_unknown: {"status":404,"title":"No such trigger","detail":"Table '{table}' has no trigger '{trigger}'.{suggestion}","retry":false},
  triggers_too_many: {"status":429,"title":"Too many triggers","detail":"There are {limit} triggers already (setting triggers.triggers_max).","retry":false},
  user_exists: {"status":409,"title":"The user exists","detail":"User {username} already exists","retry":false},
  user_inactive: {"status":401,"title":"The user is inactive","detail":"Cannot complete request: User is inactive","retry":false},
  user_unknown: {"status":404,"title":"Unknown user","detail":"User {username} does not exist","retry":false},
  value_taken: {"status":409,"title":"The value is taken","detail":"records[{index}]: another record of '{database}.{table}' has the same '{column}', which is unique. Nothing was stored.","retry":false},
  value_type_wrong: {"status":400,"title":"The value does not fit the column","detail":"Column '{column}' takes {takes}: {value} does not fit.","retry":false},
  webhook_failed: {"status":400,"title":"The web-hook did not answer","detail":"The web-hook at '{host}' did not take the call: {reason}.","retry":true},
  webhook_forbidden: {"status":400,"title":"The web-hook may not be called","detail":"'{host}' is {address}, which is not a public address; the setting webhooks.allow would have to name it.","retry":false},
} as const satisfies Record<string, { status: number; title: string; detail: string; retry: boolean }>

export type ProblemCode = keyof typeof problems

/** The facts that fill the placeholders of a problem's detail. */
export interface ProblemFacts {
  account_exists: Record<never, never>
  address_space_short: { wanted: string | number; free: string | number }
  agreement_busy: { node: string | number; other: string | number }
  agreement_gone: { node: string | number }
  agreement_stuck: { reason: string | number; nodes: string | number }
  api_key_invalid: Record<never, never>
  attribute_unknown: { index: string | number; database: string | number; table: string | number; attribute: string | number; suggestion?: string | undefined }
  authority_exists: { folder: string | number }
  authority_missing: { folder: string | number }
  backup_damaged: { reason: string | number }
  backup_failed: { reason: string | number }
  batch_too_large: { limit: string | number; setting: string | number }
  body_not_json: { reason: string | number }
  body_not_utf8: Record<never, never>
  body_too_complex: { limit: string | number; what: string | number; setting: string | number }
  body_too_large: { limit: string | number }
  client_left: Record<never, never>
  clock_ahead: { node: string | number; limit: string | number }
  clustering_off: Record<never, never>
  column_ambiguous: { column: string | number; choices: string | number }
  column_dropped: { database: string | number; table: string | number }
  column_exists: { column: string | number; database: string | number; table: string | number }
  column_leaving: { column: string | number }
  column_needed: { column: string | number; reason: string | number }
  column_not_found: { column: string | number; database: string | number; table: string | number }
  column_not_grouped: { column: string | number; advice: string | number }
  column_unknown: { column: string | number; table: string | number; suggestion?: string | undefined }
  condition_failed: { index: string | number; key: string | number }
  condition_malformed: { reason: string | number }
  connections_too_many: { limit: string | number }
  credentials_missing: Record<never, never>
  credentials_wrong: Record<never, never>
  cursor_invalid: { reason: string | number }
  data_folder_in_use: { folder: string | number; pid: string | number }
  data_folder_newer: { folder: string | number; format: string | number; supported: string | number }
  data_folder_unusable: { folder: string | number; reason: string | number }
  database_exists: { database: string | number }
  database_not_found: { database: string | number }
  database_reserved: { database: string | number }
  database_taken: { database: string | number }
  disk_full: Record<never, never>
  event_column_unknown: { column: string | number; table: string | number; suggestion?: string | undefined }
  events_rejected: { count: string | number }
  file_exists: { path: string | number }
  file_not_found: { path: string | number }
  filter_invalid: { column: string | number; reason: string | number }
  folder_not_configured: { setting: string | number }
  folder_not_empty: { folder: string | number }
  forbidden: Record<never, never>
  headers_too_large: Record<never, never>
  idempotency_key_reused: Record<never, never>
  input_invalid: { reason: string | number }
  internal: { id: string | number }
  invalid_column: { column: string | number; reason: string | number }
  invalid_credentials: Record<never, never>
  invalid_name: { reason: string | number }
  invalid_permission: Record<never, never>
  invalid_request: { reason: string | number }
  job_cancelled: { id: string | number }
  job_ended: { id: string | number; ended_as: string | number }
  job_not_found: { id: string | number }
  job_result_too_large: { limit: string | number }
  job_user_ended: { user: string | number; id: string | number; reason: string | number }
  key_invalid: { index: string | number; reason: string | number }
  key_unknown: { id: string | number }
  last_super_user: Record<never, never>
  media_type_not_supported: { reason: string | number }
  mesh_certificate_wrong: { node: string | number }
  mesh_configuration_refused: { server: string | number; reason: string | number }
  mesh_needs_secret: Record<never, never>
  mesh_needs_tls: { host: string | number }
  mesh_store_locked: { path: string | number; pid: string | number }
  method_not_allowed: { method: string | number; path: string | number; allowed: string | number }
  nats_server_missing: { program: string | number }
  no_times: { database: string | number; table: string | number; column: string | number }
  node_answer_refused: { node: string | number }
  node_busy: { node: string | number }
  node_failed: { node: string | number }
  node_has_no_hub: { node: string | number }
  node_identity_changed: { node: string | number }
  node_is_self: { node: string | number }
  node_method_unknown: { method: string | number }
  node_name_invalid: { node: string | number }
  node_name_taken: { node: string | number; name: string | number }
  node_removed: { node: string | number }
  node_session_unknown: { node: string | number }
  node_silent: { node: string | number; timeout_ms: string | number }
  node_unreachable: { node: string | number }
  not_owner: { database: string | number }
  not_records: { database: string | number; table: string | number }
  not_shared: { database: string | number; table: string | number; node: string | number }
  operation_missing: Record<never, never>
  operation_unknown: { operation: string | number; suggestion?: string | undefined }
  operator_unknown: { operator: string | number; suggestion?: string | undefined }
  origin_not_allowed: { origin: string | number }
  outcome_unknown: { reason: string | number }
  own_server_not_started: { server: string | number; port: string | number }
  own_server_silent: { server: string | number }
  parent_missing: { index: string | number; column: string | number; value: string | number; parent: string | number }
  partition_in_use: { partition: string | number }
  path_not_allowed: { path: string | number; reason: string | number }
  path_unknown: { method: string | number; path: string | number }
  peer_unknown: { node: string | number }
  person_missing: Record<never, never>
  person_unknown: { person: string | number; table: string | number }
  primary_key_required: Record<never, never>
  query_cancelled: Record<never, never>
  query_too_large: { limit: string | number; what: string | number; setting: string | number }
  record_exists: { index: string | number; key: string | number; database: string | number; table: string | number }
  record_invalid: { index: string | number; reason: string | number }
  record_not_found: { index: string | number; key: string | number; database: string | number; table: string | number }
  record_referenced: { child: string | number; column: string | number; value: string | number; parent: string | number }
  reference_unknown: { index: string | number; reference: string | number }
  request_not_http: { reason: string | number }
  request_too_slow: { headers: string | number; request: string | number }
  result_too_large: { limit: string | number; advice: string | number }
  role_exists: { role: string | number }
  role_in_use: { role: string | number }
  role_not_found: Record<never, never>
  role_unknown: { role: string | number }
  route_loop: { leaf: string | number; hub: string | number }
  route_to_self: { route: string | number }
  script_failed: { reason: string | number }
  script_invalid: { reason: string | number }
  script_limit: { reason: string | number }
  section_invalid: { line: string | number; reason: string | number }
  segment_unknown: { segment: string | number }
  select_malformed: { part: string | number; reason: string | number }
  setting_fixed: { setting: string | number; origin: string | number }
  setting_invalid: { reason: string | number }
  share_unknown: { database: string | number; username: string | number }
  shared_events_refused: { database: string | number; table: string | number; node: string | number; reason: string | number }
  statement_timeout: { limit: string | number }
  stopping: Record<never, never>
  storage_unavailable: { reason: string | number }
  storage_unreadable: { reason: string | number }
  subscriber_unknown: { trigger: string | number; subscriber: string | number; suggestion?: string | undefined }
  subscribers_too_many: { limit: string | number }
  table_exists: { table: string | number; database: string | number }
  table_not_events: { table: string | number; database: string | number }
  table_not_found: { database: string | number; table: string | number }
  table_referenced: { database: string | number; table: string | number; by: string | number }
  token_expired: Record<never, never>
  token_invalid: Record<never, never>
  too_many: { limit: string | number; what: string | number; setting: string | number }
  too_many_bad_rows: { limit: string | number }
  too_many_entries: { limit: string | number; what: string | number; setting: string | number }
  too_many_hosts: { most: string | number }
  too_many_jobs: { limit: string | number }
  too_many_requests: { reason: string | number }
  too_many_routes: { most: string | number }
  too_many_segments: { limit: string | number }
  too_many_sign_ins: { seconds: string | number }
  trigger_unknown: { table: string | number; trigger: string | number; suggestion?: string | undefined }
  triggers_too_many: { limit: string | number }
  user_exists: { username: string | number }
  user_inactive: Record<never, never>
  user_unknown: { username: string | number }
  value_taken: { index: string | number; database: string | number; table: string | number; column: string | number }
  value_type_wrong: { column: string | number; takes: string | number; value: string | number }
  webhook_failed: { host: string | number; reason: string | number }
  webhook_forbidden: { host: string | number; address: string | number }
}
