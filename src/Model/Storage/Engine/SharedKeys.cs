using System.Security.Cryptography;

namespace Metrics.Storage.Engine;

/// <summary>Random keys that every process on the same database shares, kept in its table <c>settings</c>. Whoever can read the database
/// can read them.</summary>
public sealed class SharedKeys
{
    private const int Bytes = 32;

    private readonly Database database;

    internal SharedKeys(Database database) => this.database = database;

    /// <summary>The key of this name, 32 bytes; made when there is none yet. Of processes that make it at once all get the same.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<byte[]> GetAsync(string name, CancellationToken cancellationToken)
    {
        (string, object?)[] setting = [("name", $"key:{name}")];
        // Read first: who may only read the database can use a key that `migrate` made.
        var found = await database.ReadAsync(
            (session, token) => session.QueryAsync("SELECT value FROM settings WHERE name = @name", setting, row => row.Text(0), token),
            cancellationToken
        );
        if (found.Count == 0)
        {
            var made = Convert.ToBase64String(RandomNumberGenerator.GetBytes(Bytes));
            await database.TransactAsync(
                (session, token) =>
                    session.ExecuteAsync(
                        "INSERT INTO settings (name, value) VALUES (@name, @value) ON CONFLICT (name) DO NOTHING",
                        [.. setting, ("value", made)],
                        token
                    ),
                cancellationToken
            );
            found = await database.ReadAsync(
                (session, token) => session.QueryAsync("SELECT value FROM settings WHERE name = @name", setting, row => row.Text(0), token),
                cancellationToken
            );
        }
        return Convert.FromBase64String(found[0]);
    }
}
