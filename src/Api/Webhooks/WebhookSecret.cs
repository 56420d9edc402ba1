using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Metrics.Storage;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace Metrics.Api.Webhooks;

/// <summary>Secrets and signatures of Standard Webhooks 1.0.0 (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md).</summary>
public static class WebhookSecret
{
    /// <summary>Bytes of a secret: of ed25519 the seed of the private key (RFC 8032).</summary>
    private const int Length = 32;

    /// <summary>A new secret, in base64.</summary>
    public static string New() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(Length));

    /// <summary>What a receiver needs to check signatures: <c>whsec_...</c>, the shared secret, or <c>whpk_...</c>, the public key.</summary>
    /// <param name="signing"><c>hmac</c> or <c>ed25519</c>.</param>
    /// <param name="secret">The secret, in base64.</param>
    public static string ForReceiver(string signing, string secret)
    {
        if (signing != "ed25519") return $"whsec_{secret}";
        var key = new byte[Ed25519.PublicKeySize];
        Ed25519.GeneratePublicKey(Convert.FromBase64String(secret), 0, key, 0);
        return $"whpk_{Convert.ToBase64String(key)}";
    }

    /// <summary>The header <c>webhook-signature</c>: by the secret, and by the one before while that is valid too.</summary>
    /// <param name="webhook">Whose secrets.</param>
    /// <param name="id">Header <c>webhook-id</c>.</param>
    /// <param name="timestamp">Header <c>webhook-timestamp</c>: seconds since 1970, of the attempt.</param>
    /// <param name="body">The bytes as they are sent.</param>
    /// <param name="now">The clock, UTC.</param>
    public static string Sign(Webhook webhook, string id, long timestamp, ReadOnlySpan<byte> body, DateTime now)
    {
        var content = new byte[Encoding.UTF8.GetByteCount(id) + 1 + 20 + 1 + body.Length];
        var length = Encoding.UTF8.GetBytes($"{id}.{timestamp.ToString(CultureInfo.InvariantCulture)}.", content);
        body.CopyTo(content.AsSpan(length));
        length += body.Length;
        var signature = Sign(webhook.Signing, webhook.Secret, content, length);
        return webhook.PreviousSecret is { } previous && webhook.PreviousUntil > now ? $"{signature} {Sign(webhook.Signing, previous, content, length)}" : signature;
    }

    private static string Sign(string signing, string secret, byte[] content, int length)
    {
        var key = Convert.FromBase64String(secret);
        if (signing != "ed25519") return $"v1,{Convert.ToBase64String(HMACSHA256.HashData(key, content.AsSpan(0, length)))}";
        var signature = new byte[Ed25519.SignatureSize];
        Ed25519.Sign(key, 0, content, 0, length, signature, 0);
        return $"v1a,{Convert.ToBase64String(signature)}";
    }
}
