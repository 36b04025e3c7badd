import { anyObject, integer, nameOf, Type, text, time } from "./schema.ts";

/** Envelope of an object that mirrors one of another forge (kinds.md §12.3); in status, so that mirrors do not fight people over spec. */
export const externalEnvelope = Type.Optional(
  Type.Object(
    {
      providerRef: nameOf("ExternalBackendProvider"),
      bindingRef: Type.Optional(nameOf("ExternalBackendBinding")),
      interface: Type.Optional(text(63, "Interface of the provider: issueTracking, cicd, gitForge.")),
      nativeKind: Type.Optional(text(63, "Kind at the provider.")),
      nativeId: text(253, "Id at the provider."),
      nativeNumber: Type.Optional(integer("Number at the provider.")),
      nodeId: Type.Optional(text(253, "Global id at the provider.")),
      url: Type.Optional(text(2048, "Page at the provider.")),
      apiUrl: Type.Optional(text(2048, "API address at the provider.")),
      version: Type.Optional(
        Type.Object(
          {
            etag: Type.Optional(text(253, "ETag last seen.")),
            updatedAt: Type.Optional(time("Change time last seen.")),
            sha: Type.Optional(text(64, "Commit last seen.")),
          },
          { description: "Version last seen." },
        ),
      ),
      cursor: Type.Optional(text(1024, "Where synchronisation continues.")),
      lastSeenAt: Type.Optional(time("When it was last seen.")),
      lastSyncedAt: Type.Optional(time("When it was last synchronised.")),
      extensions: Type.Optional(
        Type.Object(
          {
            providerType: text(63, "Type of the provider."),
            schemaVersion: text(63, "Version of the fields."),
            fields: anyObject("Fields only this provider has."),
          },
          { description: "What only this provider knows." },
        ),
      ),
    },
    { description: "The object at another forge this one mirrors." },
  ),
);
