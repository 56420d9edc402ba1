using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Metrics.Emulators.Aws;

/// <summary>Checks Signature Version 4 of a request as it arrived, from Amazon's description of it.</summary>
public static class SignatureV4
{
    /// <summary>Why the signature is not accepted, in Amazon's codes; null when it is.</summary>
    /// <param name="request">The request.</param>
    /// <param name="body">Its body.</param>
    /// <param name="region">Region that it must be for.</param>
    /// <param name="service">Service that it must be for.</param>
    /// <param name="now">The clock of the service.</param>
    /// <param name="find">Secret, token and end of an access key; null when it is not known.</param>
    public static (string Code, string Message)? Refuse(
        HttpRequest request,
        byte[] body,
        string region,
        string service,
        DateTimeOffset now,
        Func<string, (string Secret, string? Token, DateTimeOffset Until)?> find
    )
    {
        var authorization = request.Headers.Authorization.ToString();
        const string Algorithm = "AWS4-HMAC-SHA256";
        if (!authorization.StartsWith(Algorithm, StringComparison.Ordinal))
            return ("MissingAuthenticationToken", "Request is missing Authentication Token");
        var parts = authorization[Algorithm.Length..]
            .Split(',')
            .Select(part => part.Trim().Split('=', 2))
            .ToDictionary(part => part[0], part => part[1], StringComparer.Ordinal);
        var scope = parts["Credential"].Split('/');
        if (scope.Length != 5 || find(scope[0]) is not { } key)
            return ("InvalidClientTokenId", "The security token included in the request is invalid.");
        if (key.Token is not null && request.Headers["X-Amz-Security-Token"] != key.Token)
            return ("InvalidClientTokenId", "The security token included in the request is invalid.");
        if (key.Until < now)
            return ("ExpiredToken", "The security token included in the request is expired");
        if (scope[2] != region || scope[3] != service)
            return ("SignatureDoesNotMatch", $"Credential should be scoped to a valid region and to service '{service}'.");
        var stamp = request.Headers["X-Amz-Date"].ToString();
        if (
            !DateTimeOffset.TryParseExact(
                stamp,
                "yyyyMMdd'T'HHmmss'Z'",
                CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal,
                out var at
            ) || !stamp.StartsWith(scope[1], StringComparison.Ordinal)
        )
            return ("IncompleteSignature", "Date is missing or differs from the scope.");
        if ((now - at).Duration() > TimeSpan.FromMinutes(5))
            return (
                "SignatureDoesNotMatch",
                $"Signature expired: {stamp} is now earlier than {now.UtcDateTime.AddMinutes(-5):yyyyMMdd'T'HHmmss'Z'}"
            );

        var names = parts["SignedHeaders"].Split(';');
        if (!names.Contains("host"))
            return ("SignatureDoesNotMatch", "'Host' must be a 'SignedHeader' in the AWS Authorization.");
        var query = string.Join(
            '&',
            request
                .Query.SelectMany(pair =>
                    pair.Value.Select(value => $"{Uri.EscapeDataString(pair.Key)}={Uri.EscapeDataString(value ?? "")}")
                )
                .Order(StringComparer.Ordinal)
        );
        // The path as it was sent, escaped once more.
        var path = string.Join('/', request.Path.ToUriComponent().Split('/').Select(Uri.EscapeDataString));
        var canonical =
            $"{request.Method}\n{path}\n{query}\n"
            + string.Concat(
                names.Select(name => $"{name}:{(name == "host" ? request.Host.Value : request.Headers[name].ToString().Trim())}\n")
            )
            + $"\n{parts["SignedHeaders"]}\n{Hex(SHA256.HashData(body))}";
        var text = $"{Algorithm}\n{stamp}\n{string.Join('/', scope[1..])}\n{Hex(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}";
        var signing = scope[1..]
            .Aggregate(Encoding.UTF8.GetBytes("AWS4" + key.Secret), (by, step) => HMACSHA256.HashData(by, Encoding.UTF8.GetBytes(step)));
        return Hex(HMACSHA256.HashData(signing, Encoding.UTF8.GetBytes(text))) == parts["Signature"]
            ? null
            : (
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
                    + "and signing method."
            );
    }

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
