using System.Collections.Frozen;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Metrics.Storage.Access;
using Metrics.Storage.Engine;

namespace Metrics.Api.Access;

/// <summary>Who asks, and what they may do.</summary>
/// <param name="Name">As the audit log and the log tell it: <c>key:ID (name)</c>, <c>token:subject</c>, <c>local</c>. No secret.</param>
/// <param name="Scope">What they may do.</param>
public sealed record Caller(string Name, Scope Scope)
{
    /// <summary>Somebody on this machine, while no key is asked for.</summary>
    public static Caller Local { get; } = new("local", Scope.Admin);

    /// <summary>Who sent the request.</summary>
    /// <exception cref="InvalidOperationException">The request did not come through the gate.</exception>
    public static Caller Of(HttpContext context) =>
        context.Features.Get<Caller>() ?? throw new InvalidOperationException("The request did not come through the gate.");
}

/// <summary>The keys that are valid now, in memory: a request asks no database. Read again every two seconds, so that a key revoked by any
/// process is refused by all within five.</summary>
/// <remarks>While the database is away the last keys read stay valid: none can be revoked in that time either.</remarks>
public sealed class AccessKeyCache : BackgroundService
{
    /// <summary>Longest text that is looked at as a key.</summary>
    internal const int LongestKey = 256;

    private const string Prefix = "emk_";
    private const int IdLength = 8;
    private const int Length = 56;
    private const string Letters = "abcdefghijklmnopqrstuvwxyz234567";
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(2);

    private readonly AccessKeys keys;
    private readonly TimeProvider clock;
    private readonly ILogger<AccessKeyCache> log;
    private readonly FrozenDictionary<Digest, CachedKey> fixedOnes;
    private readonly bool asksAlways;
    private volatile FrozenDictionary<Digest, CachedKey> held;
    private volatile bool isOpen;

    /// <summary>Holds no key of the database before <see cref="RefreshAsync"/>, and lets nobody in.</summary>
    public AccessKeyCache(AccessKeys keys, AccessSettings settings, TimeProvider clock, ILogger<AccessKeyCache> log)
    {
        (this.keys, this.clock, this.log) = (keys, clock, log);
        Own = New();
        asksAlways = settings.Keys.Count > 0 || settings.Oidc is not null;
        fixedOnes = settings
            .Keys.Select(key =>
                KeyValuePair.Create(
                    Digest.Of(key.Value.Key),
                    new CachedKey(new Caller($"key:{key.Key} (configuration)", Scopes.Parse(key.Value.Scopes)!.Value), null, null)
                )
            )
            .Append(KeyValuePair.Create(Digest.Of(Own), new CachedKey(new Caller("this service", Scope.Read), null, null)))
            .ToFrozenDictionary();
        held = fixedOnes;
    }

    /// <summary>What this process shows itself when it reads its own metrics. It ends with the process.</summary>
    public string Own { get; }

    /// <summary>Whether nobody is asked for a key: there never was one, and no identity provider is configured. Then only this machine is
    /// answered.</summary>
    public bool IsOpen => isOpen;

    /// <summary>Makes a key: <c>emk_</c>, eight letters that it is known by, and 240 random bits. What is kept of it is its SHA-256: it is
    /// random and long, so nothing slower is called for.</summary>
    /// <param name="keys">Where it is kept.</param>
    /// <param name="name">Who or what it is for.</param>
    /// <param name="scope">What it may be used for.</param>
    /// <param name="expiresAt">When it ends, UTC; null: never.</param>
    /// <param name="actor">Who makes it.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>The key, which is nowhere else, and what is kept.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public static async Task<(string Key, AccessKey Stored)> MakeAsync(
        AccessKeys keys,
        string name,
        Scope scope,
        DateTime? expiresAt,
        string actor,
        CancellationToken cancellationToken
    )
    {
        var key = New();
        var hash = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
        return (
            key,
            await keys.CreateAsync(
                key.Substring(Prefix.Length, IdLength),
                hash,
                name,
                string.Join(',', scope.ToWords()),
                expiresAt,
                actor,
                cancellationToken
            )
        );
    }

    /// <summary>Whether a text looks like a key of ours rather than a token of somebody else.</summary>
    public static bool IsKey(ReadOnlySpan<char> text) => text.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>Whose key this is; null when it is none, or no longer one.</summary>
    public Caller? Find(ReadOnlySpan<char> key)
    {
        if (key.Length is 0 or > LongestKey)
            return null;
        // Found by what it hashes to: how long that takes tells nothing about the key.
        if (!held.TryGetValue(Digest.Of(key), out var found))
            return null;
        var now = clock.GetUtcNow().UtcDateTime;
        if (found.ExpiresAt <= now)
            return null;
        found.UsedAt = now;
        return found.Caller;
    }

    /// <summary>Reads the keys.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        var all = await keys.AllAsync(cancellationToken);
        var last = held;
        held = all.Where(key => key.RevokedAt is null)
            .Select(key => KeyValuePair.Create(Digest.From(key.Hash), Hold(key)))
            .Concat(fixedOnes)
            .ToFrozenDictionary();
        isOpen = !asksAlways && all.Count == 0;

        CachedKey Hold(AccessKey key) =>
            last.TryGetValue(Digest.From(key.Hash), out var known)
                ? known
                : new CachedKey(
                    new Caller($"key:{key.Id} ({key.Name})", Scopes.Parse(key.Scopes.Split(',')) ?? Scope.None),
                    key.Id,
                    key.ExpiresAt
                )
                {
                    UsedAt = key.LastUsedAt ?? default,
                    NotedAt = key.LastUsedAt ?? default,
                };
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, clock);
        var failed = false;
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    await RefreshAsync(stoppingToken);
                    await NoteUsesAsync(stoppingToken);
                    failed = false;
                }
                catch (StorageException exception)
                {
                    if (!failed)
                        log.LogWarning(
                            "Keys cannot be read again; those that were valid stay so until they can: {Fault}",
                            exception.Message
                        );
                    failed = true;
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service is stopping.
        }
    }

    private static string New() => Prefix + RandomNumberGenerator.GetString(Letters, Length);

    private async Task NoteUsesAsync(CancellationToken cancellationToken)
    {
        var used = held.Values.Where(one => one.Id is not null && one.UsedAt - one.NotedAt >= TimeSpan.FromMinutes(1)).ToList();
        if (used.Count == 0)
            return;
        var uses = used.ToDictionary(
            one => one.Id!,
            one => new DateTime(one.UsedAt.Ticks - one.UsedAt.Ticks % TimeSpan.TicksPerMinute, DateTimeKind.Utc),
            StringComparer.Ordinal
        );
        await keys.NoteUsesAsync(uses, cancellationToken);
        foreach (var one in used)
            one.NotedAt = uses[one.Id!];
    }

    private sealed class CachedKey(Caller caller, string? id, DateTime? expiresAt)
    {
        private long usedAt;

        public Caller Caller { get; } = caller;

        /// <summary>Of a key in the database.</summary>
        public string? Id { get; } = id;

        public DateTime? ExpiresAt { get; } = expiresAt;

        public DateTime UsedAt
        {
            get => new(Volatile.Read(ref usedAt), DateTimeKind.Utc);
            set => Volatile.Write(ref usedAt, value.Ticks);
        }

        public DateTime NotedAt { get; set; }
    }

    /// <summary>SHA-256 of a key.</summary>
    private readonly record struct Digest(UInt128 First, UInt128 Second)
    {
        public static Digest Of(ReadOnlySpan<char> key)
        {
            Span<byte> bytes = stackalloc byte[LongestKey * 3];
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(bytes[..Encoding.UTF8.GetBytes(key, bytes)], hash);
            return Of(hash);
        }

        public static Digest From(string hexadecimal) => Of(Convert.FromHexString(hexadecimal));

        private static Digest Of(ReadOnlySpan<byte> hash) =>
            new(MemoryMarshal.Read<UInt128>(hash), MemoryMarshal.Read<UInt128>(hash[16..]));
    }
}
