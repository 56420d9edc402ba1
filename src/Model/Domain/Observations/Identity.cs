using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Metrics.Domain.Observations;

/// <summary>Identities derived from content, so that the same thing has the same key on every engine, in every order of arrival.</summary>
public static class Identity
{
    /// <summary>A positive 63-bit number from the parts: the head of their SHA-256, each part ended by a NUL.</summary>
    /// <remarks>Ten million series collide with a probability of 5e-6; storage keeps the text beside the key and refuses a
    /// collision.</remarks>
    public static long Of(params ReadOnlySpan<string> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in parts)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(part));
            hash.AppendData([0]);
        }
        return BinaryPrimitives.ReadInt64BigEndian(hash.GetHashAndReset()) & long.MaxValue;
    }
}
