using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Metrics.Storage.Events;
using NSec.Cryptography;

namespace Metrics.Api.Webhooks;

/// <summary>Signatures of Standard Webhooks 1.0.0: over id, unix seconds of the attempt and body, joined by dots; HMAC-SHA256 as <c>v1</c>,
/// Ed25519 as <c>v1a</c>.</summary>
public static class WebhookSigner
{
    private const int SecretBytes = 32;

    /// <summary>A new secret: of HMAC the key, of Ed25519 the seed; 32 bytes.</summary>
    public static byte[] NewSecret() => RandomNumberGenerator.GetBytes(SecretBytes);

    /// <summary>The secret as its receiver wants it: <c>whsec_</c> and Base64. Null for Ed25519, whose secret never leaves.</summary>
    public static string? Secret(string signing, byte[] secret) => signing == "hmac" ? $"whsec_{Convert.ToBase64String(secret)}" : null;

    /// <summary>The public key as its receiver wants it: <c>whpk_</c> and Base64. Null for HMAC, which has none.</summary>
    public static string? PublicKey(string signing, byte[] secret)
    {
        if (signing == "hmac")
            return null;
        using var key = Key.Import(SignatureAlgorithm.Ed25519, secret, KeyBlobFormat.RawPrivateKey);
        return $"whpk_{Convert.ToBase64String(key.PublicKey.Export(KeyBlobFormat.RawPublicKey))}";
    }

    /// <summary>The header <c>webhook-signature</c>: one signature for each secret, separated by a space.</summary>
    /// <param name="signing"><c>hmac</c> or <c>ed25519</c>.</param>
    /// <param name="secrets">The newest first.</param>
    /// <param name="id">Header <c>webhook-id</c>; holds no dot.</param>
    /// <param name="timestamp">Header <c>webhook-timestamp</c>: unix seconds of the attempt.</param>
    /// <param name="body">The bytes that are sent.</param>
    public static string Sign(string signing, IEnumerable<WebhookSecret> secrets, string id, long timestamp, ReadOnlySpan<byte> body)
    {
        var head = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}."));
        byte[] signed = [.. head, .. body];
        return string.Join(
            ' ',
            secrets.Select(secret =>
                signing == "hmac"
                    ? $"v1,{Convert.ToBase64String(HMACSHA256.HashData(secret.Secret, signed))}"
                    : $"v1a,{Convert.ToBase64String(SignWithSeed(secret.Secret, signed))}"
            )
        );
    }

    private static byte[] SignWithSeed(byte[] seed, byte[] signed)
    {
        using var key = Key.Import(SignatureAlgorithm.Ed25519, seed, KeyBlobFormat.RawPrivateKey);
        return SignatureAlgorithm.Ed25519.Sign(key, signed);
    }
}
